"""The pictures of a run, as PNG files."""

import os
from typing import Any, Callable, Mapping, Sequence

import numpy as np

_WIDTH = 6.4
_HEIGHT = 3.8
# The heat map writes its numbers into the cells up to this many clients.
_MAX_ANNOTATED_CLIENTS = 20
# What HideNseek's metrics of a layer begin with.
_FLIPPED = 'flipped_'


def new_figure(
    width: float = _WIDTH, height: float = _HEIGHT, num_axes: int = 1
):
  """Returns a figure of its own canvas, so that no display is needed.

  Args:
    width: Inches.
    height: Inches.
    num_axes: How many axes stand side by side.

  Returns:
    The figure, and its axes: an array if there are several.
  """
  # Here because it takes half a second, when the results are there already.
  from matplotlib import figure  # pylint: disable=g-import-not-at-top

  canvas = figure.Figure(figsize=(width, height), layout='constrained')
  all_axes = canvas.subplots(1, num_axes)
  for axes in np.ravel(all_axes):
    axes.spines[['top', 'right']].set_visible(False)
  return canvas, all_axes


def plot_accuracy(
    path: str,
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    x_label: str,
    x_fn: Callable[[Mapping[str, Any]], float],
    log_x: bool = False,
) -> None:
  """Plots the global accuracy of one or more runs.

  Args:
    path: The file to write.
    runs: For each run's name its rows of metrics.
    x_label: What the horizontal axis shows.
    x_fn: Maps a row to its place there.
    log_x: Whether that axis is logarithmic.
  """
  canvas, axes = new_figure()
  for name, rows in runs.items():
    rows = [row for row in rows if row['global_accuracy'] is not None]
    axes.plot(
        [x_fn(row) for row in rows],
        [row['global_accuracy'] for row in rows],
        label=name,
        marker='o' if len(rows) < 3 else None,
    )
  if log_x:
    axes.set_xscale('log')
  axes.set(xlabel=x_label, ylabel='global test accuracy')
  axes.set_ylim(0, 1)
  axes.grid(alpha=0.3)
  axes.legend(frameon=False, loc='lower right')
  canvas.savefig(path, dpi=120)


def plot_layer_densities(path: str, densities: Mapping[str, float]) -> None:
  """Plots the fraction of weights that each layer keeps."""
  canvas, axes = new_figure(height=max(1.6, 0.32 * len(densities) + 0.8))
  bars = axes.barh(list(densities), list(densities.values()), color='tab:blue')
  axes.bar_label(bars, [f'{d:.3g}' for d in densities.values()], padding=3)
  axes.invert_yaxis()
  axes.set(xlabel='density (fraction of weights kept)', xlim=(0, 1.1))
  canvas.savefig(path, dpi=120)


def plot_label_counts(path: str, label_counts: np.ndarray) -> None:
  """Plots how many examples of each class each client has.

  Args:
    path: The file to write.
    label_counts: `int[num_clients, num_classes]`.
  """
  num_clients, num_classes = label_counts.shape
  canvas, axes = new_figure(
      width=min(16, max(_WIDTH, 0.3 * num_classes + 2)),
      height=min(10, max(2.4, 0.22 * num_clients + 1)),
  )
  image = axes.imshow(label_counts, aspect='auto', cmap='Blues', vmin=0)
  canvas.colorbar(image, label='examples')
  axes.set(xlabel='class', ylabel='client')
  if num_classes <= 20:
    axes.set_xticks(range(num_classes))
  if num_clients <= _MAX_ANNOTATED_CLIENTS and num_classes <= 20:
    axes.set_yticks(range(num_clients))
    for (client, label), count in np.ndenumerate(label_counts):
      if count:
        dark = count > label_counts.max() / 2
        axes.text(
            label, client, count, ha='center', va='center', fontsize=7,
            color='white' if dark else 'black',
        )
  canvas.savefig(path, dpi=120)


def plot_flips(path: str, rows: Sequence[Mapping[str, Any]]) -> None:
  """Plots the fraction of each layer's signs that every round flipped.

  Args:
    path: The file to write, if the rows have such fractions.
    rows: A run's rows of metrics.
  """
  names = [name for name in rows[0] if name.startswith(_FLIPPED)]
  if not names:
    return
  import matplotlib  # pylint: disable=g-import-not-at-top

  canvas, axes = new_figure()
  # From dark to light in the order of the layers.
  axes.set_prop_cycle(
      color=matplotlib.colormaps['viridis'](np.linspace(0, 0.9, len(names)))
  )
  for name in names:
    axes.plot(
        [row['round_num'] for row in rows],
        [row[name] for row in rows],
        label=name.removeprefix(_FLIPPED),
        marker='o' if len(rows) < 3 else None,
    )
  axes.set(xlabel='round', ylabel='fraction of signs flipped')
  axes.set_ylim(bottom=0)
  axes.grid(alpha=0.3)
  axes.legend(frameon=False, ncols=1 + len(names) // 8)
  canvas.savefig(path, dpi=120)


def plot_accuracy_curves(
    run_dir: str, runs: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
  """Plots the accuracy of runs over rounds and over megabytes."""
  plot_accuracy(
      os.path.join(_plot_dir(run_dir), 'accuracy_over_rounds.png'),
      runs,
      'round',
      lambda row: row['round_num'],
  )
  plot_accuracy(
      os.path.join(_plot_dir(run_dir), 'accuracy_over_megabytes.png'),
      runs,
      'megabytes uploaded by all clients',
      lambda row: row['total_bytes_up'] / 1e6,
      log_x=len(runs) > 1,
  )


def plot_run(
    run_dir: str,
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    layer_densities: Mapping[str, float],
    label_counts: np.ndarray,
) -> None:
  """Writes all pictures of a run into its folder `plots`."""
  plot_accuracy_curves(run_dir, runs)
  plot_layer_densities(
      os.path.join(_plot_dir(run_dir), 'layer_densities.png'), layer_densities
  )
  plot_label_counts(
      os.path.join(_plot_dir(run_dir), 'label_counts.png'), label_counts
  )
  (rows, *_) = runs.values()
  plot_flips(os.path.join(_plot_dir(run_dir), 'sign_flips.png'), rows)


def _plot_dir(run_dir: str) -> str:
  plot_dir = os.path.join(run_dir, 'plots')
  os.makedirs(plot_dir, exist_ok=True)
  return plot_dir
