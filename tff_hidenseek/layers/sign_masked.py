"""What every sign-masked layer shares: state, update and gradient.

The scores are stored only for the kept weights. `flat_kernel` is a cache of the
weights with their signs: the forward pass reads it as any other kernel, its
gradient is gathered at the kept positions, and `update_kernel` negates the few
weights whose sign changed. So a training step costs what a dense one costs.
(The cache is flat because TensorFlow scatters three times faster into a vector
than into a matrix.)
"""

import math
from typing import Any, Dict, Optional, Sequence

import tensorflow as tf
import tensorflow_model_optimization as tfmot

from tff_hidenseek.layers import sign_ops


class SignMaskedLayer(
    tf.keras.layers.Layer, tfmot.sparsity.keras.PrunableLayer
):
  """A layer with a frozen sparse kernel of which only the signs are trained.

  The kernel is `kept_weights * sign(scores)` at `kept_positions` and zero
  elsewhere. A subclass calls `build_kernel` in `build`, and reads
  `signed_kernel()` in `call`.

  After an optimizer step `update_kernel` must run before the next call. Keras
  optimizers do so by themselves, through a constraint on `scores`.

  Args:
    num_kept: How many weights of the kernel are kept, at least 1.
    **kwargs: Arguments of `tf.keras.layers.Layer`.

  Attributes:
    scores: Trainable, float of shape `[num_kept]`.
    kept_positions: Frozen, int32 of shape `[num_kept]`: ascending indices into
      the flattened kernel.
    kept_weights: Frozen, float of shape `[num_kept]`: the weights where scores
      are positive.
    flat_kernel: Not trainable, derived from the others: the flattened kernel.
    kernel_signs: Not trainable, bool of shape `[num_kept]`: whether the kernel
      holds a kept weight as it is, and not negated.
  """

  def __init__(self, num_kept: int, **kwargs: Any):
    super().__init__(**kwargs)
    if num_kept < 1:
      raise ValueError(f'`num_kept` must be at least 1, found {num_kept}.')
    self.num_kept = num_kept

  def build_kernel(self, shape: Sequence[int]) -> None:
    """Creates all weights, with zeros.

    Args:
      shape: The shape of the kernel.

    Raises:
      ValueError: If more weights are to be kept than the kernel has.
    """
    self._kernel_shape = tuple(shape)
    size = math.prod(shape)
    if self.num_kept > size:
      raise ValueError(
          f'`num_kept` must be at most {size}, the size of the kernel of layer '
          f'{self.name!r}, found {self.num_kept}.'
      )
    kept = [self.num_kept]
    self.scores = self.add_weight(
        'scores', kept, initializer='zeros', constraint=self._constrain_scores
    )
    self.kept_positions = self._add_frozen('kept_positions', kept, tf.int32)
    self.kept_weights = self._add_frozen('kept_weights', kept)
    self.flat_kernel = self._add_frozen('kernel', [size])
    self.kernel_signs = self._add_frozen('kernel_signs', kept, tf.bool, 'ones')

  def _add_frozen(
      self,
      name: str,
      shape: Sequence[int],
      dtype: Optional[tf.DType] = None,
      initializer: str = 'zeros',
  ) -> tf.Variable:
    return self.add_weight(
        name, shape, dtype=dtype, initializer=initializer, trainable=False
    )

  def _constrain_scores(self, scores: tf.Tensor) -> tf.Tensor:
    self.update_kernel()
    return scores

  @property
  def kernel(self) -> tf.Tensor:
    """The weights with their signs, zero where they are pruned."""
    return tf.reshape(self.flat_kernel, self._kernel_shape)

  @property
  def mask(self) -> tf.Tensor:
    """Where weights are kept: a bool tensor of the kernel's shape."""
    flat_mask = tf.tensor_scatter_nd_update(
        tf.zeros(self.flat_kernel.shape, tf.bool),
        tf.expand_dims(self.kept_positions, 1),
        tf.ones([self.num_kept], tf.bool),
    )
    return tf.reshape(flat_mask, self._kernel_shape)

  def signed_kernel(self) -> tf.Tensor:
    """Returns the kernel as a tensor whose gradient goes to `scores`."""

    @tf.custom_gradient
    def route_gradient(scores: tf.Tensor) -> Any:
      def gradient(upstream: tf.Tensor) -> tf.Tensor:
        # Faster than tf.gather where a slice is one number.
        kept = tf.gather_nd(
            tf.reshape(upstream, [-1]), tf.expand_dims(self.kept_positions, 1)
        )
        # Straight through the sign, as if it were the identity.
        return kept * self.kept_weights

      return self.kernel, gradient

    return route_gradient(tf.convert_to_tensor(self.scores))

  def update_kernel(self) -> None:
    """Brings the signs in the kernel up to date with `scores`.

    Only weights whose sign changed are written. In a `tf.Graph` this must be
    called inside a `tf.function`, as any method that assigns.
    """
    signs = self.scores >= 0
    changed = tf.where(tf.not_equal(signs, self.kernel_signs))
    # Not gathered from the variable, which would make its every read a copy.
    positions = tf.gather_nd(tf.convert_to_tensor(self.kept_positions), changed)
    self.flat_kernel.scatter_mul(tf.IndexedSlices(-1.0, positions))
    self.kernel_signs.assign(signs)

  def assign_scores(self, scores: tf.Tensor) -> None:
    """Sets the scores, and the signs in the kernel with them.

    Args:
      scores: A float tensor of shape `[num_kept]`.
    """
    self.scores.assign(scores)
    self.update_kernel()

  def set_frozen(
      self,
      kept_positions: tf.Tensor,
      kept_weights: tf.Tensor,
      scores: Optional[tf.Tensor] = None,
  ) -> None:
    """Sets which weights are kept, and their values.

    Args:
      kept_positions: An int32 tensor of shape `[num_kept]`, ascending.
      kept_weights: A float tensor of shape `[num_kept]`.
      scores: The scores, if they are to be set too: one pass over the kernel
        less than calling `assign_scores`.
    """
    if scores is not None:
      self.scores.assign(scores)
    self.kept_positions.assign(kept_positions)
    self.kept_weights.assign(kept_weights)
    self.kernel_signs.assign(self.scores >= 0)
    signed_weights = self.kept_weights * sign_ops.binary_sign(self.scores)
    self.flat_kernel.assign(
        tf.zeros(self.flat_kernel.shape, self.flat_kernel.dtype)
    )
    self.flat_kernel.scatter_update(
        tf.IndexedSlices(signed_weights, self.kept_positions)
    )

  def load_own_variables(self, store: Any) -> None:
    if not len(store.keys()):
      raise ValueError(
          f'Found no weights for layer {self.name!r} where tf-keras expects '
          'them. If an older TensorFlow saved this .keras file, load it with '
          '`tff_hidenseek.load_keras_model(path)`.'
      )
    super().load_own_variables(store)

  def get_prunable_weights(self) -> Sequence[tf.Variable]:
    return [self.flat_kernel]

  def get_config(self) -> Dict[str, Any]:
    return {**super().get_config(), 'num_kept': self.num_kept}

  @classmethod
  def from_config(cls, config: Dict[str, Any]) -> 'SignMaskedLayer':
    # Files of 0.10.0 and before have these; nothing ever set a bias, and the
    # other changes how a layer trains, not what it gives.
    config = dict(config)
    config.pop('clipped_gradient', None)
    if config.pop('use_bias', False):
      raise ValueError(
          f'`use_bias` must be False in layer {config.get("name")!r}, found '
          'True.'
      )
    return super().from_config(config)
