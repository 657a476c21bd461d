"""What a run's model is exported from."""

from typing import Any, Dict, Optional, Sequence

import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.algorithms.hidenseek import pruned_network
from tff_hidenseek.export import formats
from tff_hidenseek.export import serving
from tff_hidenseek.ticket import description as description_lib

# Training examples that set the ranges of integers, if no flag says how many.
CALIBRATION_EXAMPLES = 1000
# Flags that name places on the machine of the run, which no user should see.
_LOCAL_FLAGS = ('data_dir', 'partition_file')


def make_source(
    config,
    model: tf.keras.Model,
    calibration_images: Optional[np.ndarray],
    ticket_mask: str,
    class_names: Optional[Sequence[str]] = None,
) -> formats.Source:
  """Describes a run's model to the exporter.

  Args:
    config: The run's `ExperimentConfig`.
    model: The global model, or a client's own.
    calibration_images: Images for formats with integer activations, `float32[n,
      height, width, channels]`; `None` where there are none.
    ticket_mask: How a ticket holds the mask.
    class_names: What the classes are called; their numbers by default.

  Returns:
    The source.
  """
  network_options = None
  if isinstance(config.options, hidenseek_options.HideNSeekOptions):
    network_options = pruned_network.network_options(
        config.options, config.seed
    )
  return formats.Source(
      model=model,
      calibration_images=calibration_images,
      architecture=description_lib.Architecture(
          config.model, tuple(model.input_shape[1:]), model.output_shape[-1]
      ),
      network_options=network_options,
      ticket_mask=ticket_mask,
      batch_size=config.options.batch_size,
      description=describe(config, model, class_names),
  )


def describe(
    config,
    model: tf.keras.Model,
    class_names: Optional[Sequence[str]] = None,
) -> Dict[str, Any]:
  """Returns what an exported file says of itself, as JSON can hold it."""
  # What follows a colon is a path.
  dataset = config.dataset.partition(':')[0]
  num_classes = model.output_shape[-1]
  flags = {
      name: value
      for name, value in config.flag_values().items()
      if name not in _LOCAL_FLAGS
  }
  return {
      'class_names': list(class_names or map(str, range(num_classes))),
      'signature': serving.SIGNATURE,
      'input': {
          'name': serving.INPUT,
          'shape': [None, *model.input_shape[1:]],
          'dtype': 'float32',
          'range': [0.0, 1.0],
          'preprocessing': (
              'Pixels divided by the largest value they can have; no mean is '
              'subtracted.'
          ),
      },
      'output': {'name': serving.OUTPUT, 'dtype': 'float32'},
      'run': {**flags, 'dataset': dataset},
  }
