"""Exports a model to many formats, and measures what each costs and gives."""

import os
from typing import Dict, List, Sequence, Tuple

import numpy as np

from tff_hidenseek.export import agreement
from tff_hidenseek.export import export_report
from tff_hidenseek.export import formats
from tff_hidenseek.export import litert
from tff_hidenseek import files

# With which latencies are compared.
_REFERENCE = 'tflite_float32'
_NUM_GATE_EXAMPLES = 1000


def choose_gate_images(
    test_x: np.ndarray, more_images: np.ndarray
) -> np.ndarray:
  """Returns the real images on which every file is compared with Keras.

  Args:
    test_x: Test images, float32[n, height, width, channels]; they come first.
    more_images: Others, which are taken where there are not enough of these.
  """
  images = np.concatenate([test_x[:_NUM_GATE_EXAMPLES], more_images])
  return images[:_NUM_GATE_EXAMPLES]


def export_formats(
    names: Sequence[str],
    source: formats.Source,
    output_dir: str,
    images: np.ndarray,
    test_y: np.ndarray,
) -> Tuple[List[export_report.Row], Dict[str, str]]:
  """Writes a model in several formats.

  Args:
    names: Names in `formats.FORMATS`.
    source: What is exported.
    output_dir: The folder, which is made if there is none.
    images: What `choose_gate_images` returned.
    test_y: The labels of the test images among them, which come first.

  Returns:
    A row for each file, and why other formats were refused, by their names.

  Raises:
    ValueError: If the only format is refused.
    OSError: If a file cannot be written, as on a full disk; files that were
      written before it are whole.
  """
  expected = source.folded.predict(images, verbose=0)
  if not np.isfinite(expected).all():
    raise ValueError(
        'A model to be exported must give finite logits, found '
        f'{expected[~np.isfinite(expected)][0]} on a real example.'
    )
  os.makedirs(output_dir, exist_ok=True)
  files.remove_unfinished(output_dir)
  rows, refusals, reference = [], {}, None
  for name in names:
    try:
      result = formats.export(name, source, output_dir, images, expected)
    except ValueError as error:
      if len(names) == 1:
        raise
      refusals[name] = str(error)
      continue
    path = os.path.join(output_dir, formats.FORMATS[name].file_name)
    if name == _REFERENCE:
      reference = litert.make_invoke_fn(path, images[0])
    latency = None
    if formats.FORMATS[name].is_timed and reference:
      latency = export_report.measure_latency_ratio(
          litert.make_invoke_fn(path, images[0]), reference
      )
    rows.append(_make_row(name, path, result, test_y, latency))
  return rows, refusals


def _make_row(
    name: str,
    path: str,
    result: agreement.Agreement,
    test_y: np.ndarray,
    latency,
) -> export_report.Row:
  size, gzip_size = export_report.measure_sizes(path)
  return export_report.Row(
      flavour=name,
      file=os.path.basename(path),
      bytes=size,
      gzip_bytes=gzip_size,
      latency_ratio=latency,
      accuracy=result.accuracy(test_y[: len(result.classes)]),
      agreement=result.agreement,
      max_logit_error=result.max_logit_error,
  )
