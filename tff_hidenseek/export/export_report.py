"""What each exported file costs and gives: a table, a .json file and a plot."""

import gzip
import json
import os
import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import attrs
from matplotlib import figure
import numpy as np
import tabulate

from tff_hidenseek import files

_COMPARISONS = 40
_MARKERS = 'os^vDPX<>phd'
_CALLS_PER_TIMING = 50


@attrs.frozen
class Row:
  """One exported file.

  Attributes:
    flavour: A name in `formats.FORMATS`.
    file: The file's name.
    bytes: Its size.
    gzip_bytes: Its size after gzip.
    latency_ratio: Time for an image on one thread, relative to
      `tflite_float32`; None where it is not measured.
    accuracy: Fraction of test images that are classified correctly.
    agreement: Fraction of images of the same class as in Keras.
    max_logit_error: The largest difference of a logit.
  """

  flavour: str
  file: str
  bytes: int
  gzip_bytes: int
  latency_ratio: Optional[float]
  accuracy: float
  agreement: float
  max_logit_error: float


def measure_sizes(path: str) -> Tuple[int, int]:
  """Returns the bytes of a file or folder, plain and after gzip."""
  paths = [path]
  if os.path.isdir(path):
    paths = [
        os.path.join(folder, name)
        for folder, _, names in os.walk(path)
        for name in names
    ]
  contents = []
  for name in paths:
    with open(name, 'rb') as content:
      contents.append(content.read())
  return (
      sum(len(content) for content in contents),
      sum(len(gzip.compress(content, mtime=0)) for content in contents),
  )


def measure_latency_ratio(
    timed: Callable[[], None], reference: Callable[[], None]
) -> float:
  """Returns how many times as long one call takes as the other.

  They run in turns, each first every other time, so that a busy machine slows
  both; the result is the median of the ratios.
  """
  ratios = []
  for turn in range(_COMPARISONS):
    seconds = {}
    for call in (timed, reference)[:: 1 if turn % 2 else -1]:
      start = time.perf_counter()
      for _ in range(_CALLS_PER_TIMING):
        call()
      seconds[call] = time.perf_counter() - start
    ratios.append(seconds[timed] / seconds[reference])
  return float(np.median(ratios))


def to_markdown(rows: List[Row], refusals: Mapping[str, str]) -> str:
  """Formats the rows, and why formats were refused, as Markdown."""
  table = tabulate.tabulate(
      [
          {
              'flavour': row.flavour,
              'bytes': f'{row.bytes:,}',
              'gzip': f'{row.gzip_bytes:,}',
              'latency / float32': (
                  '-'
                  if row.latency_ratio is None
                  else f'{row.latency_ratio:.2f}'
              ),
              'accuracy': f'{row.accuracy:.4f}',
              'agreement': f'{row.agreement:.4f}',
              'max logit error': f'{row.max_logit_error:.2g}',
          }
          for row in rows
      ],
      headers='keys',
      tablefmt='pipe',
      colalign=('left', *6 * ['right']) if rows else None,
      disable_numparse=True,
  )
  reasons = [
      f'\n\nNot written, {name}: {reason}' for name, reason in refusals.items()
  ]
  return f'{table}{"".join(reasons)}\n'


def write_report(
    output_dir: str,
    rows: List[Row],
    refusals: Dict[str, str],
    description: Mapping[str, Any],
) -> None:
  """Writes `export.md`, `export.json` and `accuracy_over_bytes.png`.

  Args:
    output_dir: The folder of the files.
    rows: At least one exported file.
    refusals: Why other formats were not written, by their names.
    description: What the files say of themselves.
  """
  content = {
      'rows': [attrs.asdict(row) for row in rows],
      'refused': refusals,
      'model': description,
  }
  files.write_atomically(
      os.path.join(output_dir, 'export.json'),
      (json.dumps(content, indent=2) + '\n').encode(),
  )
  files.write_atomically(
      os.path.join(output_dir, 'export.md'),
      to_markdown(rows, refusals).encode(),
  )
  _plot(os.path.join(output_dir, 'accuracy_over_bytes.png'), rows)


def _plot(path: str, rows: List[Row]) -> None:
  """Plots accuracy against size; hollow is the size after gzip."""
  canvas = figure.Figure(figsize=(7.6, 4.2), layout='constrained')
  axes = canvas.subplots()
  axes.spines[['top', 'right']].set_visible(False)
  for index, row in enumerate(rows):
    style = dict(
        color=f'C{index % 10}', marker=_MARKERS[index % len(_MARKERS)]
    )
    axes.plot(row.bytes, row.accuracy, label=row.flavour, ls='none', **style)
    axes.plot(row.gzip_bytes, row.accuracy, mfc='none', ls='none', **style)
  axes.set(
      xscale='log', xlabel='bytes (hollow: after gzip)', ylabel='test accuracy'
  )
  axes.margins(y=0.3)
  axes.grid(alpha=0.3)
  canvas.legend(frameon=False, loc='outside right upper')
  with files.replace_when_whole(path) as unfinished:
    canvas.savefig(unfinished, dpi=120)
