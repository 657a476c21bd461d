"""Draws docs/images/accuracy_over_vote_epsilon.png from the committed rows.

python -m tools.plot_privacy
"""

import json
import re

from matplotlib import figure

from tools import results_tables
from tools import sources

_PATH = 'docs/images/accuracy_over_vote_epsilon.png'
_TITLES = {
    'digits_local_privacy': 'digits, 10 of 10 clients a round',
    'mnist_local_privacy': 'MNIST, 100 of 1,000 clients a round',
}


def _read(name):
  """Returns the mean accuracies and deviations by the epsilon of a bit."""
  path = results_tables.RESULTS / f'{name}.json'
  return {
      float(re.search(r'vote_epsilon=(\S+)', row['algorithm'])[1]): (
          row['global_accuracy_mean'],
          row['global_accuracy_std'] or 0,
      )
      for row in json.loads(path.read_text(encoding='utf-8'))
  }


def draw() -> figure.Figure:
  """Returns the picture: a line for each data set, and one without noise."""
  picture = figure.Figure(figsize=(6, 3.6), layout='constrained')
  axes = picture.subplots()
  for name, title in _TITLES.items():
    accuracies = _read(name)
    exact, _ = accuracies.pop(0.0)
    epsilons = sorted(accuracies)
    means, deviations = zip(*(accuracies[epsilon] for epsilon in epsilons))
    line = axes.errorbar(
        epsilons, means, deviations, marker='o', capsize=3, label=title
    )
    axes.axhline(exact, linestyle='--', color=line[0].get_color(), alpha=0.5)
  axes.set_xscale('log', base=2)
  axes.set_xlabel('epsilon of one vote; dashed: votes as they are')
  axes.set_ylabel('accuracy of the global model')
  axes.set_ylim(0, 1)
  axes.grid(alpha=0.3)
  axes.legend()
  return picture


if __name__ == '__main__':
  draw().savefig(f'{sources.ROOT}/{_PATH}', dpi=120)
