"""FedMRN (https://arxiv.org/abs/2408.03220): masked random noise.

A client draws noise from a seed and trains, with its local data, a mask of it:
the masked noise is its update. It uploads one bit a weight and the seed.
"""

import collections
from typing import List, Sequence

import attrs
import tensorflow as tf

from tff_hidenseek.algorithms import dense_network
from tff_hidenseek.algorithms import drawn_updates
from tff_hidenseek.algorithms import flat_weights
from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import random_seeds

# No noise is smaller: an update is divided by it.
_LEAST_NOISE = 1e-8


@attrs.frozen(kw_only=True)
class FedMRNOptions(options_lib.LocalTrainingOptions):
  """Choices of the method."""

  noise_size: float = options_lib.option(
      0.01,
      'A client\'s noise is uniform from minus to plus this size.',
      above=0,
  )
  noise_mask: str = options_lib.option(
      'binary',
      'Whether a bit drops a weight\'s noise or turns its sign.',
      choices=('binary', 'signed'),
  )


def draw_noise(shapes, noise_seed: tf.Tensor, size: float) -> List[tf.Tensor]:
  """Draws a client's noise.

  Args:
    shapes: Of the weight tensors.
    noise_seed: What the client sends of it, `int32[]`.
    size: It is uniform in [-size, size).

  Returns:
    A `float32` tensor for each shape, nowhere 0.
  """
  seed = tf.stack([
      tf.cast(noise_seed, tf.int64),
      tf.constant(int(random_seeds.Purpose.MASK), tf.int64),
  ])
  noise = [
      size * (2 * drawn_updates.draw_uniform(shape, seed, i) - 1)
      for i, shape in enumerate(shapes)
  ]
  return [tf.where(tf.abs(n) < _LEAST_NOISE, _LEAST_NOISE, n) for n in noise]


def mask_chance(update, noise, noise_mask: str) -> tf.Tensor:
  """Returns the chance that a bit is 1, `float32`, in [0, 1]."""
  ratio = update / noise
  if noise_mask == 'signed':
    ratio = (ratio + 1) / 2
  return tf.clip_by_value(ratio, 0, 1)


def apply_mask(mask, noise, noise_mask: str) -> tf.Tensor:
  """Returns masked noise; the mask is `float32` bits, or chances of them."""
  return noise * (2 * mask - 1 if noise_mask == 'signed' else mask)


class MaskedNoiseClientWork(drawn_updates.DrawnUpdateClientWork):
  """Trains updates that become masks of noise, the more the later it is."""

  def train(self, data, seed):
    self._noise_seed = tf.random.stateless_uniform(
        [], seed, minval=None, maxval=None, dtype=tf.int32,
        alg=random_seeds.ALGORITHM,
    )
    self._noise = draw_noise(
        [u.shape for u in self.updates],
        self._noise_seed,
        self._options.noise_size,
    )
    return super().train(data, seed)

  def _chances(self):
    return [
        mask_chance(update, noise, self._options.noise_mask)
        for update, noise in zip(self.updates, self._noise)
    ]

  def _apply(self, masks: Sequence[tf.Tensor]) -> List[tf.Tensor]:
    return [
        apply_mask(mask, noise, self._options.noise_mask)
        for mask, noise in zip(masks, self._noise)
    ]

  def _draw_masks(self, seed):
    """Returns the chances of all bits and a draw of them, `float32`."""
    chances = self._chances()
    drawn = [
        tf.cast(drawn_updates.draw_uniform(p.shape, seed, i) < p, tf.float32)
        for i, p in enumerate(chances)
    ]
    return chances, drawn

  def draw(self, seed, step):
    chances, drawn = self._draw_masks(seed)
    progress = tf.cast(step / self.total_steps, tf.float32)
    masks = []
    for i, (chance, mask) in enumerate(zip(chances, drawn), len(drawn)):
      is_drawn = drawn_updates.draw_uniform(mask.shape, seed, i) < progress
      masks.append(tf.where(is_drawn, mask, chance))
    return self._apply(masks)

  def expect(self):
    return self._apply(self._chances())

  def make_upload(self, seed):
    _, drawn = self._draw_masks(seed)
    bits = sign_ops.pack_bits(flat_weights.flatten(drawn) > 0)
    return collections.OrderedDict(bits=bits, noise_seed=self._noise_seed)


def build_fed_mrn(
    task: federated_algorithm.LearningTask, options: FedMRNOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds FedMRN from a seeded He-normal model.

  Args:
    task: What is learned.
    options: The local training and the noise.

  Returns:
    The algorithm.
  """
  network = dense_network.build_dense_network(task)

  def decode(upload):
    bits = sign_ops.unpack_bits(upload['bits'], network.size)
    masks = flat_weights.unflatten(tf.cast(bits, tf.float32), network.weights)
    noise = draw_noise(
        [w.shape for w in network.weights],
        upload['noise_seed'],
        options.noise_size,
    )
    return flat_weights.flatten([
        apply_mask(mask, n, options.noise_mask) for mask, n in zip(masks, noise)
    ])

  return dense_network.build_algorithm_of_updates(
      task,
      network,
      lambda model: MaskedNoiseClientWork(model, options),
      decode,
  )
