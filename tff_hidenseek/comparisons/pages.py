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


def to_markdown(report: report_lib.Report, output_dir: str) -> str:
  """Returns the report as Markdown with its pictures beside it.

  Args:
    report: The report.
    output_dir: The folder it will be in.
  """
  return _render('report.md.jinja', report, output_dir)


def to_html(report: report_lib.Report) -> str:
  """Returns the report as one HTML file that needs no other."""
  return _render('report.html.jinja', report)


def write_pages(output_dir: str, report: report_lib.Report) -> None:
  """Writes `report.md` and `report.html` into a folder."""
  for name, text in (
      ('report.md', to_markdown(report, output_dir)),
      ('report.html', to_html(report)),
  ):
    files.write_atomically(os.path.join(output_dir, name), text.encode())


def _render(template: str, report: report_lib.Report, folder: str = '') -> str:
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
      relative_to=os.path.relpath,
      to_markdown=_table_to_markdown,
  )
  return environment.get_template(template).render(
      title='Comparison of federated algorithms', report=report, folder=folder
  )


def _read_base64(path: str) -> str:
  return base64.b64encode(pathlib.Path(path).read_bytes()).decode()


def _table_to_markdown(table: tables_lib.Table) -> str:
  def write(cell):
    text = cell.text.replace('|', '/')
    return f'**{text}**' if cell.is_best else text

  rows = [list(map(write, row)) for row in table.rows]
  return text_tables.format_table(table.columns, rows, 'pipe')
