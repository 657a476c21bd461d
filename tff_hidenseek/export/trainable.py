"""A TFLite file that trains on the device, of built-in operations alone.

Its signatures:

* `train(x, y, learning_rate) -> loss, num_examples`: one step of gradient
  descent on the scores; a label that is no class, such as -1, leaves its
  example out.
* `infer(x) -> logits`, of any number of images; `infer_batch`, of as many as
  `train` takes, for runtimes that cannot resize an input, such as LiteRT.js.
* `get_votes() -> votes`: the packed signs of the scores, a client's upload.
* `set_tally(tally)`: the server's mean votes, two to a byte.
* `set_votes(votes)`: packed signs, as `get_votes` returns them.
* `get_scores() -> scores` and `set_scores(scores)`: all that training changed.

What sets scores returns `num_scores`, how many of them were numbers: infinity
and NaN leave a score as it was, in a step too. An input of another length is an
error, and changes nothing.
"""

import math
import tempfile
from typing import List

import numpy as np
import tensorflow as tf

from tff_hidenseek.export import builtin_bits
from tff_hidenseek.export import builtin_gradients
from tff_hidenseek.export import flatbuffer_rewrites
from tff_hidenseek.layers import sign_masked
from tff_hidenseek.layers import sign_masked_conv2d
from tff_hidenseek.layers import sign_masked_dense
from tff_hidenseek.layers import sign_ops

# As in `algorithms.vote_broadcasts`: 16 levels from -1 to 1 in four bits.
_TOP_LEVEL = 15
_BITS_PER_TALLY = 4


class _Kernel:
  """The kept weights of a layer, and where their scores are among all."""

  def __init__(self, layer: sign_masked.SignMaskedLayer, first_score: int):
    self._shape = layer.kernel.shape
    self._positions = layer.kept_positions.numpy()[:, np.newaxis]
    self._part = slice(first_score, first_score + layer.num_kept)
    weights = layer.kept_weights.numpy()
    magnitudes = np.unique(np.abs(weights))
    self._weights = weights
    if magnitudes.size == 1:
      # A byte for each sign; the converter would unfold a constant product.
      self._is_positive = weights > 0
      self._magnitude = magnitudes[0]
    else:
      self._is_positive = None

  def _signed(self, is_plus: tf.Tensor) -> tf.Tensor:
    """Returns the kept weights times +1 or -1."""
    if self._is_positive is None:
      return tf.where(is_plus, self._weights, -self._weights)
    return tf.where(
        tf.equal(is_plus, self._is_positive), self._magnitude, -self._magnitude
    )

  def dense(self, scores: tf.Tensor) -> tf.Tensor:
    """Returns the kernel for these scores of all layers."""
    kept = self._signed(scores[self._part] >= 0)
    flat = tf.scatter_nd(self._positions, kept, [math.prod(self._shape)])
    return tf.reshape(flat, self._shape)

  def score_gradient(
      self, scores: tf.Tensor, kernel_gradient: tf.Tensor
  ) -> tf.Tensor:
    """Returns the straight-through gradient of this layer's scores."""
    scores = scores[self._part]
    kept = tf.gather_nd(tf.reshape(kernel_gradient, [-1]), self._positions)
    # One that no converter can know to be true keeps the signs as bytes.
    always = tf.equal(scores, scores)
    return kept * self._signed(always)


class TrainableModule(tf.Module):
  """A sign-masked chain of layers with its own backward pass."""

  def __init__(self, model: tf.keras.Model):
    """Initializes the module.

    Args:
      model: A chain of sign-masked dense layers and convolutions (stride 1),
        ReLU, 2x2 max-pooling and flattening.

    Raises:
      ValueError: If there is another layer, or another order.
    """
    super().__init__()
    self._layers = _chain(model)
    self._kernels = {}
    num_scores = 0
    for layer in self._layers:
      if isinstance(layer, sign_masked.SignMaskedLayer):
        self._kernels[layer.name] = _Kernel(layer, num_scores)
        num_scores += layer.num_kept
    self._scores = tf.Variable(
        tf.concat([x.scores for x in self._layers if hasattr(x, 'scores')], 0)
    )
    self.num_scores = num_scores
    self.input_shape = model.input_shape[1:]

  def _forward(self, x, convolve):
    """Returns what goes into each layer, and the logits last.

    Args:
      x: Images.
      convolve: From inputs, kernel and padding to a convolution.
    """
    scores = self._scores.read_value()
    kernels = {name: k.dense(scores) for name, k in self._kernels.items()}
    values = [x]
    for layer in self._layers:
      if isinstance(layer, sign_masked_conv2d.SignMaskedConv2D):
        x = convolve(x, kernels[layer.name], layer.padding)
      elif isinstance(layer, sign_masked_dense.SignMaskedDense):
        x = tf.matmul(x, kernels[layer.name])
      elif isinstance(layer, tf.keras.layers.Flatten):
        x = tf.reshape(x, [-1, math.prod(x.shape[1:])])
      elif isinstance(layer, tf.keras.layers.ReLU):
        # The converter loses a ReLU after a product with a computed kernel.
        x = tf.where(x > 0, x, 0.0)
      else:
        x = tf.nn.max_pool2d(x, 2, 2, 'VALID')
      values.append(x)
    return scores, kernels, values

  def _backward(self, scores, kernels, values, upstream):
    """Returns the gradient of all scores."""
    gradients = []
    inputs_and_outputs = list(zip(self._layers, values, values[1:]))
    for layer, inputs, outputs in reversed(inputs_and_outputs):
      if layer.name in kernels:
        kernel = kernels[layer.name]
        if isinstance(layer, sign_masked_dense.SignMaskedDense):
          upstream, of_kernel = builtin_gradients.matmul_gradients(
              inputs, kernel, upstream
          )
        else:
          upstream, of_kernel = builtin_gradients.convolution_gradients(
              inputs, kernel, upstream, layer.padding
          )
        gradients.append(
            self._kernels[layer.name].score_gradient(scores, of_kernel)
        )
      elif isinstance(layer, tf.keras.layers.Flatten):
        upstream = tf.reshape(upstream, [-1, *inputs.shape[1:]])
      elif isinstance(layer, tf.keras.layers.ReLU):
        upstream = builtin_gradients.relu_gradient(outputs, upstream)
      else:
        upstream = builtin_gradients.max_pool_gradient(
            inputs, outputs, upstream
        )
    return tf.concat(gradients[::-1], 0)

  def score_gradient(self, x: tf.Tensor, y: tf.Tensor):
    """Returns loss, gradient of all scores, and size of a batch."""
    scores, kernels, values = self._forward(x, builtin_gradients.convolve)
    loss, upstream, num_examples = builtin_gradients.cross_entropy(
        values[-1], y
    )
    gradient = self._backward(scores, kernels, values, upstream)
    return loss, gradient, num_examples

  def train(self, x, y, learning_rate):
    loss, gradient, num_examples = self.score_gradient(x, y)
    self._set(self._scores.read_value() - learning_rate * gradient)
    return {'loss': loss, 'num_examples': tf.cast(num_examples, tf.int32)}

  def infer(self, x):
    return {'logits': self._forward(x, _convolve_many)[-1][-1]}

  def infer_batch(self, x):
    return self.infer(x)

  def get_votes(self):
    return {'votes': builtin_bits.pack_bits(self._scores.read_value() >= 0)}

  def get_scores(self):
    return {'scores': self._scores.read_value()}

  def set_scores(self, scores):
    return self._set(scores)

  def set_tally(self, tally):
    levels = builtin_bits.unpack_digits(tally, _BITS_PER_TALLY, self.num_scores)
    return self._set((2 * levels - _TOP_LEVEL) * (1 / _TOP_LEVEL))

  def set_votes(self, votes):
    bits = builtin_bits.unpack_digits(votes, 1, self.num_scores)
    return self._set(2 * bits - 1)

  def _set(self, scores):
    """Sets the scores that are given as numbers; returns how many are."""
    # As columns: an interpreter refuses to reshape scores of another length.
    column = [self.num_scores, 1]
    scores = tf.reshape(scores, column)
    # Neither infinite nor NaN, which no later step could mend.
    is_number = tf.abs(scores) <= np.finfo(np.float32).max
    old = tf.reshape(self._scores.read_value(), column)
    self._scores.assign(tf.reshape(tf.where(is_number, scores, old), [-1]))
    return {'num_scores': tf.reduce_sum(tf.cast(is_number, tf.int32))}

  def signatures(self, batch_size: int):
    """Returns the functions that the file offers, by name."""
    # The converter must know the batch where a gradient is a convolution.
    batch = tf.TensorSpec([batch_size, *self.input_shape], tf.float32, 'x')
    x = tf.TensorSpec([None, *self.input_shape], tf.float32, 'x')
    y = tf.TensorSpec([batch_size], tf.int32, 'y')
    rate = tf.TensorSpec([], tf.float32, 'learning_rate')
    num_bytes = sign_ops.num_packed_bytes
    tally = tf.TensorSpec(
        [num_bytes(_BITS_PER_TALLY * self.num_scores)], tf.uint8, 'tally'
    )
    votes = tf.TensorSpec([num_bytes(self.num_scores)], tf.uint8, 'votes')
    scores = tf.TensorSpec([self.num_scores], tf.float32, 'scores')
    arguments = {
        'train': (batch, y, rate),
        'infer': (x,),
        'infer_batch': (batch,),
        'get_votes': (),
        'set_tally': (tally,),
        'set_votes': (votes,),
        'get_scores': (),
        'set_scores': (scores,),
    }
    return {
        name: tf.function(getattr(self, name)).get_concrete_function(*specs)
        for name, specs in arguments.items()
    }


def convert_trainable(model: tf.keras.Model, batch_size: int) -> bytes:
  """Converts a sign-masked model to a TFLite file that trains.

  Args:
    model: A sign-masked model; see `TrainableModule`.
    batch_size: How many examples, left out or not, `train` takes.

  Returns:
    The file.
  """
  module = TrainableModule(model)
  with tempfile.TemporaryDirectory() as folder:
    tf.saved_model.save(module, folder, module.signatures(batch_size))
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    converter.experimental_enable_resource_variables = True
    return flatbuffer_rewrites.share_equal_buffers(converter.convert())


def _convolve_many(inputs, kernel, padding):
  """Convolves any number of images, in little memory."""
  return tf.nn.conv2d(inputs, kernel, 1, padding.upper())


def _chain(model: tf.keras.Model) -> List[tf.keras.layers.Layer]:
  """Returns the layers after the input; raises on those without a gradient."""
  layers = [
      layer
      for layer in model.layers
      if not isinstance(layer, tf.keras.layers.InputLayer)
  ]
  source = model.inputs[0]
  for layer in layers:
    if not _is_supported(layer) or layer.input is not source:
      raise ValueError(
          'To train on a device, `model` must be a chain of sign-masked dense '
          'layers and convolutions of stride 1, of ReLU, 2x2 max-pooling and '
          f'flattening, found layer {layer.name!r} ({type(layer).__name__}).'
      )
    source = layer.output
  return layers


def _is_supported(layer: tf.keras.layers.Layer) -> bool:
  if isinstance(layer, sign_masked.SignMaskedLayer):
    strides = getattr(layer, 'strides', (1, 1))
    return tuple(strides) == (1, 1)
  if isinstance(layer, tf.keras.layers.MaxPooling2D):
    return (
        (tuple(layer.pool_size), tuple(layer.strides), layer.padding)
        == ((2, 2), (2, 2), 'valid')
    )
  if isinstance(layer, tf.keras.layers.ReLU):
    return (layer.max_value, layer.negative_slope, layer.threshold) == (
        None, 0, 0
    )
  return isinstance(layer, tf.keras.layers.Flatten)
