"""A report of a comparison as Markdown and as one HTML file."""

import base64
import os
import pathlib

import jinja2

from tff_hidenseek.comparisons import remarks
from tff_hidenseek.comparisons import report as report_lib
from tff_hidenseek.comparisons import tables as tables_lib
from tff_hidenseek.experiments import text_tables
from tff_hidenseek import files


def write_pages(output_dir: str, report: report_lib.Report) -> None:
  """Writes `report.md`, with its pictures beside it, and `report.html`.

  Args:
    output_dir: The folder.
    report: The report.
  """
  environment = jinja2.Environment(
      loader=jinja2.PackageLoader(__package__),
      autoescape=jinja2.select_autoescape(['html.jinja']),
      undefined=jinja2.StrictUndefined,
      trim_blocks=True,
      lstrip_blocks=True,
      keep_trailing_newline=True,
  )
  environment.filters.update(
      describe_command=remarks.describe_command,
      read_base64=_read_base64,
      relative=lambda path: os.path.relpath(path, output_dir),
      to_markdown=_table_to_markdown,
  )
  for name in ('report.md', 'report.html'):
    text = environment.get_template(f'{name}.jinja').render(
        title='Comparison of federated algorithms', report=report
    )
    files.write_atomically(os.path.join(output_dir, name), text.encode())


def _read_base64(path: str) -> str:
  return base64.b64encode(pathlib.Path(path).read_bytes()).decode()


def _table_to_markdown(table: tables_lib.Table) -> str:
  def write(cell):
    text = cell.text.replace('|', '/')
    return f'**{text}**' if cell.is_best else text

  rows = [list(map(write, row)) for row in table.rows]
  return text_tables.format_table(table.columns, rows, 'pipe')
