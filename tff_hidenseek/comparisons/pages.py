"""A report of a comparison as Markdown, as one HTML file and as text."""

import base64
import html
import os
import string
from typing import Any, List, Mapping, Sequence

from tff_hidenseek.comparisons import report as report_lib
from tff_hidenseek.comparisons import results as results_lib
from tff_hidenseek.comparisons import tables as tables_lib

_TITLE = 'Comparison of federated algorithms'
_WIDTH = 80

# No scripts, and nothing that is fetched: the file can be mailed.
_PAGE = string.Template('''<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { --text: #1c1e21; --page: #ffffff; --line: #d5d9de; --soft: #f3f5f7;
  --faint: #5b6470; --best: #0b5cad; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7eb; --page: #15181c; --line: #363c44; --soft: #1f242a;
    --faint: #9aa4b0; --best: #7cb8f5; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 68rem; color: var(--text);
  background: var(--page); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-top: .8rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
  background: var(--page); }
thead th { color: var(--faint); font-weight: 600; }
td b { color: var(--best); }
.pictures { display: grid; gap: 1rem; margin-top: 1.2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
figure { margin: 0; padding: .6rem; border: 1px solid var(--line);
  border-radius: .5rem; background: #ffffff; color: #1c1e21; }
figure img { display: block; width: 100%; height: auto; }
figcaption { font-size: .85rem; color: #444b54; padding-top: .3rem; }
pre { background: var(--soft); padding: .6rem .8rem; border-radius: .4rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
.faint, ul.notes { color: var(--faint); font-size: .9rem; }
</style>
</head>
<body>
$body
</body>
</html>
''')


def describe_command(command: Mapping[str, Any]) -> str:
  """Says when, with which code and where a command ran."""
  commit = command['commit'] or 'no commit'
  dirty = ', with changes that are not committed' if command['is_dirty'] else ''
  gpus = f', {command["gpus"]} GPU' if command['gpus'] else ''
  return (
      f'{command["date"]}; commit {commit[:12]}{dirty}; '
      f'{command["processor"]}, {command["cores"]} cores{gpus}; '
      f'Python {command["python"]}, TensorFlow {command["tensorflow"]}'
  )


def describe_unfinished(run: results_lib.Unfinished) -> str:
  """Says how far a run has come, and what it said last."""
  said = f' Last line: {run.error}' if run.error else ''
  return f'{run.name}: {run.num_rounds} of {run.of_rounds} rounds.{said}'


def to_markdown(report: report_lib.Report, output_dir: str) -> str:
  """Returns the report as Markdown with its pictures beside it.

  Args:
    report: The report.
    output_dir: The folder it will be in.
  """
  lines = [f'# {_TITLE}', '']
  for command in report.commands:
    lines += ['```', command['command'], '```', describe_command(command), '']
  lines += [report.split, '']
  if report.unfinished:
    lines += ['**Not finished, and not in the numbers:**', '']
    lines += [f'- {describe_unfinished(run)}' for run in report.unfinished]
    lines.append('')
  for section in report.sections:
    lines += [f'## {section.title}', '', *section.remarks, '']
    for table in section.tables:
      lines += [f'### {table.title}', '', *_markdown_table(table), '']
    for picture in section.pictures:
      path = os.path.relpath(picture.path, output_dir)
      lines.append(f'![{picture.caption}]({path})')
    lines.append('')
  lines += ['## How to read this', '']
  lines += [f'- {note}' for note in report.notes]
  return '\n'.join(lines) + '\n'


def _markdown_table(table: tables_lib.Table) -> List[str]:
  def line(texts):
    return f'| {" | ".join(text.replace("|", "/") for text in texts)} |'

  return [
      line(table.columns),
      '|' + '|'.join(['---'] + ['---:'] * (len(table.columns) - 1)) + '|',
      *(
          line(f'**{c.text}**' if c.is_best else c.text for c in row)
          for row in table.rows
      ),
  ]


def to_html(report: report_lib.Report) -> str:
  """Returns the report as one HTML file that needs no other."""
  parts = [f'<h1>{_TITLE}</h1>']
  for command in report.commands:
    parts += [
        f'<pre>{html.escape(command["command"])}</pre>',
        f'<p class="faint">{html.escape(describe_command(command))}</p>',
    ]
  parts.append(f'<p>{html.escape(report.split)}</p>')
  if report.unfinished:
    parts.append('<p><b>Not finished, and not in the numbers:</b></p>')
    parts.append(_html_list(map(describe_unfinished, report.unfinished)))
  for section in report.sections:
    parts.append(f'<h2>{html.escape(section.title)}</h2>')
    parts += [f'<p>{html.escape(text)}</p>' for text in section.remarks]
    for table in section.tables:
      parts += [f'<h3>{html.escape(table.title)}</h3>', _html_table(table)]
    parts.append('<div class="pictures">')
    parts += [_html_picture(picture) for picture in section.pictures]
    parts.append('</div>')
  parts += ['<h2>How to read this</h2>', _html_list(report.notes)]
  return _PAGE.substitute(title=_TITLE, body='\n'.join(parts))


def _html_list(texts) -> str:
  items = ''.join(f'<li>{html.escape(text)}</li>\n' for text in texts)
  return f'<ul class="notes">\n{items}</ul>'


def _html_table(table: tables_lib.Table) -> str:
  head = ''.join(f'<th>{html.escape(name)}</th>' for name in table.columns)
  rows = []
  for row in table.rows:
    cells = [
        f'<b>{html.escape(c.text)}</b>' if c.is_best else html.escape(c.text)
        for c in row
    ]
    rows.append(
        '<tr>' + ''.join(f'<td>{cell}</td>' for cell in cells) + '</tr>\n'
    )
  return (
      f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n'
      f'<tbody>\n{"".join(rows)}</tbody></table></div>'
  )


def _html_picture(picture) -> str:
  with open(picture.path, 'rb') as file:
    content = base64.b64encode(file.read()).decode()
  caption = html.escape(picture.caption)
  return (
      f'<figure><img alt="{caption}" src="data:image/png;base64,{content}">'
      f'<figcaption>{caption}</figcaption></figure>'
  )


# What the terminal shows: a name, a heading, how numbers are written, and
# whether with their deviation.
_TERMINAL_COLUMNS = (
    ('global_accuracy', 'global', '.4f', True),
    ('personal_accuracy', 'personal', '.4f', False),
    ('megabytes', 'MB', '.4g', False),
    ('megabytes_to_target', 'to target', '.4g', False),
    ('megabytes_to_personal_target', 'to personal', '.4g', False),
)


def to_text(report: report_lib.Report) -> str:
  """Returns the report's main numbers in at most 80 columns."""
  return '\n\n'.join(
      '\n'.join(_text_table(section)) for section in report.sections
  )


def _text_table(section: report_lib.Section) -> List[str]:
  columns = []
  for name, heading, number, has_deviation in _TERMINAL_COLUMNS:
    values = [summary.values[name] for summary in section.summaries]
    if any(value is not None for value in values):
      cells = [tables_lib.format_statistic(v, number) for v in values]
      if not has_deviation:
        cells = [cell.split(' ')[0] for cell in cells]
      columns.append(_align([heading, *cells]))
  labels = ['', *(summary.label for summary in section.summaries)]
  used = sum(len(column[0]) + 2 for column in columns)
  width = min(max(map(len, labels)), _WIDTH - used)
  seeds = sorted({len(summary.results) for summary in section.summaries})
  counts = ' to '.join(str(n) for n in dict.fromkeys([seeds[0], seeds[-1]]))
  plural = 's' if seeds[-1] > 1 else ''
  lines = [f'{section.title}, {counts} seed{plural}', '-' * (width + used)]
  for label, *cells in zip(labels, *columns):
    if len(label) > width:  # It gets a line of its own.
      lines.append(label)
      label = ''
    lines.append('  '.join([f'{label:<{width}}', *cells]))
  return lines


def _align(cells: Sequence[str]) -> List[str]:
  width = max(map(len, cells))
  return [f'{cell:>{width}}' for cell in cells]


def write_pages(output_dir: str, report: report_lib.Report) -> None:
  """Writes `report.md` and `report.html` into a folder."""
  for name, text in (
      ('report.md', to_markdown(report, output_dir)),
      ('report.html', to_html(report)),
  ):
    report_lib.write_file(os.path.join(output_dir, name), text)
