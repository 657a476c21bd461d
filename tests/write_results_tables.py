"""Brings the tables of docs/results.md up to date with the committed rows.

python -m tests.write_results_tables
"""

from tests import results_tables


def write_results_tables() -> None:
  """Writes the page."""
  page = results_tables.PAGE.read_text(encoding='utf-8')
  results_tables.PAGE.write_text(results_tables.fill(page), encoding='utf-8')


if __name__ == '__main__':
  write_results_tables()
