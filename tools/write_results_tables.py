"""Brings the tables of docs/ up to date with the committed rows.

python -m tools.write_results_tables
"""

from tools import results_tables


def write_results_tables() -> None:
  """Writes the pages."""
  for path in results_tables.PAGES:
    page = path.read_text(encoding='utf-8')
    path.write_text(results_tables.fill(page), encoding='utf-8')


if __name__ == '__main__':
  write_results_tables()
