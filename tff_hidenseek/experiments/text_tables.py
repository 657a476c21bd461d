"""Tables of text, for a terminal or Markdown."""

from typing import Optional, Sequence

import tabulate

# Else a column is two wider than its heading, though columns have gaps.
tabulate.MIN_PADDING = 0


def format_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    style: str = 'simple',
    label_width: Optional[int] = None,
) -> str:
  """Formats a table whose rows begin with a label, at the left.

  Args:
    headings: The columns' names; a line break starts another line.
    rows: The cells, row by row.
    style: A format of tabulate's, such as `simple` or `pipe` (Markdown).
    label_width: Labels that are longer are broken into lines.

  Returns:
    The lines.
  """
  return tabulate.tabulate(
      rows,
      headings,
      style,
      disable_numparse=True,
      colglobalalign='right',
      colalign=['left'],
      maxcolwidths=[label_width],
  )
