"""A report's main numbers for a terminal of 80 columns."""

from typing import List

from tff_hidenseek.comparisons import report as report_lib
from tff_hidenseek.comparisons import tables as tables_lib
from tff_hidenseek.experiments import text_tables

_WIDTH = 80
_GAP = 2
# A name, a heading, how numbers are written, and whether with their deviation.
_COLUMNS = (
    ('global_accuracy', 'global', '.4f', True),
    ('personal_accuracy', 'personal', '.4f', False),
    ('megabytes', 'MB', '.4g', False),
    ('megabytes_to_target', 'MB to\ntarget', '.4g', False),
    ('megabytes_to_personal_target', 'MB to\npersonal', '.4g', False),
)


def to_text(report: report_lib.Report) -> str:
  """Returns the report's main numbers, and which runs are not in them."""
  left_out = [
      '\n'.join([heading, *(f'  {sentence}' for sentence in sentences)])
      for heading, sentences in report.left_out
  ]
  return '\n\n'.join([*map(_table_to_text, report.sections), *left_out])


def _table_to_text(section: report_lib.Section) -> str:
  headings, columns = [], []
  for name, heading, number, has_deviation in _COLUMNS:
    values = [summary.values[name] for summary in section.summaries]
    if any(value is not None for value in values):
      cells = [tables_lib.format_statistic(v, number) for v in values]
      if not has_deviation:
        cells = [cell.split(' ')[0] for cell in cells]
      headings.append(heading)
      columns.append(cells)
  used = sum(
      max(map(len, [*heading.split('\n'), *cells])) + _GAP
      for heading, cells in zip(headings, columns)
  )
  table = text_tables.format_table(
      ['', *headings],
      list(zip([s.label for s in section.summaries], *columns)),
      label_width=_WIDTH - used,
  )
  return f'{section.title}, {_count_seeds(section)}\n{table}'


def _count_seeds(section: report_lib.Section) -> str:
  counts: List[int] = sorted({len(s.results) for s in section.summaries})
  text = ' to '.join(str(n) for n in dict.fromkeys([counts[0], counts[-1]]))
  return f'{text} seed{"s" if counts[-1] > 1 else ""}'
