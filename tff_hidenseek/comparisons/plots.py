"""The pictures of a comparison, as PNG files."""

import os
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

import attrs
import numpy as np

from tff_hidenseek.comparisons import results as results_lib
from tff_hidenseek.comparisons import summary as summary_lib
from tff_hidenseek.experiments import plots

# Okabe and Ito's colours that readers tell apart whatever their colour vision,
# but for yellow, which white swallows, and with Tol's wine.
_COLOURS = (
    '#0072B2',
    '#D55E00',
    '#009E73',
    '#CC79A7',
    '#E69F00',
    '#56B4E9',
    '#882255',
    '#555555',
)
# A second sign, in case colours are not enough.
_DASHES = ('-', '--', '-.', ':')
_LINES_A_DASH = 4
_DPI = 130
# So many points of a distribution are drawn one by one.
_MAX_POINTS = 400


@attrs.frozen
class Style:
  """How a label is drawn, the same in every picture."""

  color: str
  linestyle: str


@attrs.frozen
class Picture:
  """A picture that was drawn.

  Attributes:
    path: The PNG file.
    caption: What it shows.
  """

  path: str
  caption: str


@attrs.frozen
class _Axis:
  """A horizontal axis: its name, and each row's place on it."""

  name: str
  label: str
  places_fn: Callable[[Sequence[Mapping[str, Any]]], np.ndarray]
  is_log: bool = False
  is_whole: bool = False


_AXES = (
    _Axis(
        'rounds',
        'round',
        lambda rows: np.array([row['round_num'] for row in rows]),
        is_whole=True,
    ),
    _Axis(
        'megabytes',
        'megabytes, up and down, all clients',
        lambda rows: np.array(
            [row['total_bytes_up'] + row['total_bytes_down'] for row in rows]
        )
        / 1e6,
        is_log=True,
    ),
    _Axis(
        'seconds',
        'seconds of training',
        lambda rows: np.cumsum([row['seconds'] for row in rows]),
    ),
)


def make_styles(labels: Sequence[str]) -> Mapping[str, Style]:
  """Returns a style for every label, by their order."""
  return {
      label: Style(
          _COLOURS[i % len(_COLOURS)],
          _DASHES[i // _LINES_A_DASH % len(_DASHES)],
      )
      for i, label in enumerate(dict.fromkeys(labels))
  }


def average_curve(
    results: Sequence[results_lib.Result],
    name: str,
    places_fn: Callable[[Sequence[Mapping[str, Any]]], np.ndarray],
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
  """Averages a metric over seeds, evaluation by evaluation.

  Args:
    results: Runs that differ in their seed.
    name: The metric.
    places_fn: Maps a run's rows to their places on the horizontal axis.

  Returns:
    The mean places [n] and the values [seeds, n], for the n rounds in which all
    seeds evaluated; a run that ended earlier cuts the others short.
  """
  curves = []
  for result in results:
    places = places_fn(result.rows)
    curves.append({
        row['round_num']: (place, row[name])
        for row, place in zip(result.rows, places)
        if row[name] is not None
    })
  common = sorted(set.intersection(*(set(curve) for curve in curves)))
  points = np.array([[curve[r] for r in common] for curve in curves], float)
  points = points.reshape(len(curves), len(common), 2)
  return points[..., 0].mean(axis=0), points[..., 1]


def plot_comparison(
    plot_dir: str,
    group: str,
    summaries: Sequence[summary_lib.Summary],
    styles: Mapping[str, Style],
    targets: summary_lib.Targets,
) -> List[Picture]:
  """Draws all pictures of runs on one data set and partition.

  Args:
    plot_dir: Where they go; it is made.
    group: The data set and partition, with which their names begin.
    summaries: What is drawn.
    styles: The labels' styles.
    targets: The accuracies that are marked.

  Returns:
    The pictures.
  """
  os.makedirs(plot_dir, exist_ok=True)
  prefix = os.path.join(plot_dir, group)
  pictures = []
  for name, what, target in (
      ('global_accuracy', 'global accuracy', targets.global_accuracy),
      (
          'personal_accuracy_mean',
          'personal accuracy, mean over clients',
          targets.personal_accuracy,
      ),
  ):
    if not _has_curve(summaries, name):
      continue
    for axis in _AXES:
      path = f'{prefix}.{name}_over_{axis.name}.png'
      _plot_curves(path, summaries, styles, name, what, axis, target)
      pictures.append(Picture(path, f'{what}, over {axis.name}'))
  if any(result.personal for s in summaries for result in s.results):
    path = f'{prefix}.personal_accuracies.png'
    _plot_personal(path, summaries, styles)
    pictures.append(
        Picture(
            path,
            'final personal accuracies of all seen clients and seeds; boxes '
            'are quartiles, whiskers the 10th and 90th percentile',
        )
    )
  return pictures


def _has_curve(summaries, name: str) -> bool:
  return any(
      sum(row[name] is not None for row in result.rows) > 1
      for summary in summaries
      for result in summary.results
  )


def _plot_curves(
    path: str,
    summaries,
    styles: Mapping[str, Style],
    name: str,
    what: str,
    axis: _Axis,
    target: Optional[float],
) -> None:
  canvas, axes = plots.new_figure(height=4.4)
  for summary in summaries:
    style = styles[summary.label]
    places, values = average_curve(summary.results, name, axis.places_fn)
    axes.plot(
        places,
        values.mean(axis=0),
        label=summary.label,
        color=style.color,
        linestyle=style.linestyle,
        marker='o' if len(places) < 3 else None,
        linewidth=1.6,
    )
    if len(values) > 1:
      axes.fill_between(
          places,
          values.min(axis=0),
          values.max(axis=0),
          color=style.color,
          alpha=0.15,
          linewidth=0,
      )
  if target is not None:
    axes.axhline(target, color='#888888', linewidth=0.8, linestyle=(0, (5, 5)))
  if axis.is_log:
    axes.set_xscale('log')
  if axis.is_whole:
    axes.xaxis.get_major_locator().set_params(integer=True)
  axes.set(xlabel=axis.label, ylabel=what)
  axes.grid(alpha=0.3)
  _add_legend(canvas, summaries)
  canvas.savefig(path, dpi=_DPI)


def _add_legend(canvas, summaries) -> None:
  """Puts the legend below the axes, where it hides nothing."""
  longest = max(len(summary.label) for summary in summaries)
  canvas.legend(
      loc='outside lower center',
      ncols=max(1, min(4, len(summaries), 72 // (longest + 6))),
      frameon=False,
      fontsize='small',
  )


def _plot_personal(path: str, summaries, styles) -> None:
  """Draws a box and the points of every label's clients, over all seeds."""
  num_lines = max(1 + s.label.count(' ') for s in summaries)
  height = max(0.45, 0.2 * num_lines) * len(summaries) + 1.2
  canvas, axes = plots.new_figure(height=height)
  rng = np.random.Generator(np.random.Philox(0))
  for place, summary in enumerate(summaries):
    values = np.array([a for r in summary.results for a in r.personal])
    if not values.size:
      continue
    color = styles[summary.label].color
    axes.boxplot(
        [values],
        positions=[place],
        vert=False,
        widths=0.6,
        whis=(10, 90),
        showfliers=False,
        boxprops=dict(color=color),
        whiskerprops=dict(color=color),
        capprops=dict(color=color),
        medianprops=dict(color=color, linewidth=2.5),
    )
    drawn = values
    if len(values) > _MAX_POINTS:
      drawn = rng.choice(values, _MAX_POINTS, replace=False)
    axes.scatter(
        drawn,
        place + rng.uniform(-0.22, 0.22, len(drawn)),
        s=9,
        color=color,
        alpha=0.35,
        linewidth=0,
    )
  axes.set_yticks(
      range(len(summaries)), [s.label.replace(' ', '\n') for s in summaries]
  )
  axes.set_ylim(len(summaries) - 0.5, -0.5)
  axes.set(xlabel='personal accuracy of a client')
  axes.grid(alpha=0.3, axis='x')
  canvas.savefig(path, dpi=_DPI)
