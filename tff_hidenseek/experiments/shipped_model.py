"""How many bytes a finished run's model is on a user's device."""

import json
import os
import tempfile
from typing import Optional

import attrs

from tff_hidenseek.experiments import export_source
from tff_hidenseek.experiments import run_folder
from tff_hidenseek.export import formats
from tff_hidenseek import files
from tff_hidenseek.models import keras_files

_FILE = 'shipped_model.json'


@attrs.frozen
class ShippedModel:
  """What would be sent to a user.

  Attributes:
    format: A name in `formats.FORMATS`.
    num_bytes: The file's size.
  """

  format: str
  num_bytes: int


def measure(run_dir: str, config) -> Optional[ShippedModel]:
  """Measures the global model's file; remembers it in the run's folder.

  A sign-masked model is a ticket, any other a TensorFlow Lite file of float32.

  Args:
    run_dir: The folder of a finished run.
    config: Its `ExperimentConfig`.

  Returns:
    What would be sent, or `None` where the model cannot have that format.
  """
  path = os.path.join(run_dir, _FILE)
  if os.path.exists(path):
    with open(path, encoding='utf-8') as file:
      return ShippedModel(**json.load(file))
  try:
    shipped = _measure(run_dir, config)
  except ValueError:
    return None
  files.write_atomically(path, json.dumps(attrs.asdict(shipped)).encode())
  return shipped


def _measure(run_dir: str, config) -> ShippedModel:
  model = keras_files.load_keras_model(
      os.path.join(run_dir, run_folder.FINAL_MODEL_FILE)
  )
  # Neither format has integer activations.
  source = export_source.make_source(config, model, None, 'embedded')
  name = 'tflite_float32' if source.network_options is None else 'ticket'
  with tempfile.TemporaryDirectory() as folder:
    file = os.path.join(folder, 'model')
    formats.FORMATS[name].write(source, file)
    return ShippedModel(name, os.path.getsize(file))
