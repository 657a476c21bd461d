"""The data of a run, in its folder, so that no other is taken for it.

Everything else in the folder, checkpoints among them, is of that data.
"""

import json
import os
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import json_files
from tff_hidenseek.experiments import run_folder
from tff_hidenseek import files

DATA_FILE = 'data.json'
# What the digests are of, where they alone differ.
_DIGESTED = {
    'digest': 'pixels or labels',
    'partition_digest': 'which client has which examples',
}
_REMEDY = (
    'Bring the data back, or add --allow_changed_data if the change is meant.'
)


def describe(federation: federation_lib.Federation) -> Dict[str, Any]:
  """Returns what a run keeps of its data, as JSON can hold it.

  Args:
    federation: The clients with their data.
  """
  dataset = federation.dataset
  return dict(
      input_shape=list(dataset.image_shape),
      input_range=[0.0, 1.0],
      num_classes=dataset.num_classes,
      class_names=list(dataset.class_names),
      training_examples=np.bincount(
          dataset.train_y, minlength=dataset.num_classes
      ).tolist(),
      test_examples=np.bincount(
          dataset.test_y, minlength=dataset.num_classes
      ).tolist(),
      digest=dataset.digest,
      partition_digest=federation.partition_digest,
  )


def write(run_dir: str, federation: federation_lib.Federation) -> None:
  """Writes what a run is trained on into its folder.

  Args:
    run_dir: The run's folder, which exists.
    federation: The clients with their data.
  """
  text = json.dumps(describe(federation), indent=2)
  files.write_atomically(
      os.path.join(run_dir, DATA_FILE), f'{text}\n'.encode()
  )


def check(
    run_dir: str,
    federation: federation_lib.Federation,
    allow_changed: bool = False,
) -> None:
  """Checks that data which was loaded again is what a run was trained on.

  A run of before there was this check gets the file that it lacks.

  Args:
    run_dir: The run's folder.
    federation: The clients with their data.
    allow_changed: Whether other data may be taken.

  Raises:
    ValueError: If it is other data; the message says what differs.
  """
  before, now = read(run_dir), describe(federation)
  if before is None:
    if os.path.exists(os.path.join(run_dir, run_folder.CONFIG_FILE)):
      write(run_dir, federation)
    return
  differing = [key for key in now if before.get(key, now[key]) != now[key]]
  if differing and not allow_changed:
    raise ValueError(
        f'`dataset` must be the data that the run in {run_dir} was trained on, '
        f'found other {_join(differing)}. {_REMEDY}'
    )


def check_alike(run_dirs: Sequence[str], allow_changed: bool = False) -> None:
  """Checks that runs which are compared were trained on the same data set.

  Args:
    run_dirs: The runs' folders; of a run without the file nothing is known.
    allow_changed: Whether they may differ.

  Raises:
    ValueError: If two of them differ.
  """
  first = None
  for run_dir in run_dirs:
    data = read(run_dir)
    if data is None:
      continue
    first = first or (run_dir, data['digest'])
    if data['digest'] != first[1] and not allow_changed:
      raise ValueError(
          '`dataset` must be the same data in all that is compared, found it '
          f'changed between {first[0]} and {run_dir}. {_REMEDY}'
      )


def read(run_dir: str) -> Optional[Dict[str, Any]]:
  """Returns what a run keeps of its data; `None` of one of before."""
  return json_files.read(os.path.join(run_dir, DATA_FILE), {'digest': str})


def _join(keys: List[str]) -> str:
  others = [key.replace('_', ' ') for key in keys if key not in _DIGESTED]
  return ', '.join(others or [_DIGESTED[key] for key in keys])
