"""What a run's model is exported from."""

from typing import Optional

import numpy as np
import tensorflow as tf

from tff_hidenseek.export import formats
from tff_hidenseek.export import ticket_description
from tff_hidenseek.learning import hidenseek_options
from tff_hidenseek.learning import pruned_network


def make_source(
    config,
    model: tf.keras.Model,
    calibration_images: Optional[np.ndarray],
    ticket_mask: str,
) -> formats.Source:
  """Describes a run's model to the exporter.

  Args:
    config: The run's `ExperimentConfig`.
    model: The global model, or a client's own.
    calibration_images: Images for formats with integer activations, `float32[n,
      height, width, channels]`; `None` where there are none.
    ticket_mask: How a ticket holds the mask.

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
      architecture=ticket_description.Architecture(
          config.model, tuple(model.input_shape[1:]), model.output_shape[-1]
      ),
      network_options=network_options,
      ticket_mask=ticket_mask,
      batch_size=config.options.batch_size,
  )
