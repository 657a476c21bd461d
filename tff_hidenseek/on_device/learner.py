"""HideNseek's server learning from sums of votes that devices gave."""

import io
import os
from typing import Dict, List

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek import files
from tff_hidenseek.algorithms.hidenseek import hidenseek
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.export import trainable
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.models import layer_sets

MODEL_FILE = 'model_trainable.tflite'


class HideNseekLearner:
  """The global scores and their average, which the votes of a round move."""

  def __init__(
      self,
      options: hidenseek_options.HideNSeekOptions,
      algorithm: federated_algorithm.FederatedAlgorithm,
  ):
    """Starts from the first scores of the algorithm.

    Args:
      options: Those of a config which `capabilities.check_config` has passed.
      algorithm: HideNseek, as built for them.
    """
    self._options = options
    self._algorithm = algorithm
    self._first_state = algorithm.process.initialize()
    self._learned = tf.nest.map_structure(
        tf.constant, self._first_state.algorithm
    )

  @property
  def num_votes(self) -> int:
    """How many votes a client casts, K."""
    return self._learned['scores'].shape[0]

  def message(self) -> bytes:
    """Returns the tally of the scores, two to a byte."""
    encode = vote_broadcasts.VOTE_BROADCASTS[self._options.broadcast].encode
    return encode(self._learned['scores']).numpy().tobytes()

  def global_votes(self) -> bytes:
    """Returns the signs of the global model, packed as clients' votes are."""
    return np.packbits(
        self._learned['average'].numpy() >= 0, bitorder='little'
    ).tobytes()

  def learn(self, num_ones: np.ndarray, num_clients: int) -> None:
    """Moves the scores by the mean vote.

    Args:
      num_ones: How many clients voted +1, `int64[K]`.
      num_clients: How many voted, at least 1.
    """
    mean_vote = np.float32(2 * num_ones - num_clients) / np.float32(num_clients)
    self._learned = hidenseek.update_state(
        self._learned, mean_vote, 1.0, self._options
    )

  def first_layer(self) -> Dict[str, List[int]]:
    """Returns what a picture of the first layer needs, as JSON can hold it.

    Returns:
      The `shape` of its kernel, [height, width, channels, units], of which a
      dense layer's first three are those of the image, and its `kept` places.
    """
    model = self.build_global_model()
    layer = layer_sets.prunable_layers(model)[0]
    shape = list(layer.kernel.shape)
    if len(shape) == 2:
      shape = [*model.input_shape[1:], shape[-1]]
    return dict(shape=shape, kept=layer.kept_positions.numpy().tolist())

  def to_bytes(self) -> bytes:
    """Returns all that was learned, as an .npz file."""
    content = io.BytesIO()
    np.savez(content, **{k: v.numpy() for k, v in self._learned.items()})
    return content.getvalue()

  def restore(self, content: bytes) -> None:
    """Undoes `to_bytes`."""
    arrays = np.load(io.BytesIO(content), allow_pickle=False)
    self._learned = type(self._learned)(
        (name, tf.constant(arrays[name])) for name in self._learned
    )

  def build_global_model(self) -> tf.keras.Model:
    """Returns the global model, of sign-masked layers."""
    return self._algorithm.build_global_model(
        attrs.evolve(self._first_state, algorithm=self._learned)
    )


def write_trainable(
    learner: HideNseekLearner, batch_size: int, folder: str
) -> bytes:
  """Returns the file that devices train, which is made once a folder.

  Args:
    learner: Has the model.
    batch_size: Examples a step.
    folder: Where the file is.

  Raises:
    ValueError: If the model cannot train on a device.
  """
  path = os.path.join(folder, MODEL_FILE)
  if not os.path.exists(path):
    files.write_atomically(
        path,
        trainable.convert_trainable(learner.build_global_model(), batch_size),
    )
  with open(path, 'rb') as file:
    return file.read()
