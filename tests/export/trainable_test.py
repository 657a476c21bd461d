"""Tests of the TFLite file that trains, in the interpreter."""

import functools
import unittest

from ai_edge_litert import compiled_model
import numpy as np
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils

from tests.export import trained_models
from tff_hidenseek.export import litert
from tff_hidenseek.export import trainable

_MODELS = ('mlp', 'cnn', 'pooled_cnn')
_BATCH_SIZE = 16


@functools.lru_cache()
def _file(name):
  return trainable.convert_trainable(
      trained_models.train_on_digits(name),
      _BATCH_SIZE,
  )


def _interpreter(name):
  return litert.open_content(_file(name))


def _call(interpreter, signature, output, **inputs):
  """Returns a copy of one output of a signature."""
  return interpreter.get_signature_runner(signature)(**inputs)[output].copy()


def _run_compiled(
    compiled, signature, output, shape, dtype=np.float32, **inputs
):
  """Returns one output of a signature of a `CompiledModel`."""
  input_map = {}
  for name, value in inputs.items():
    input_map[name] = compiled.create_input_buffer_by_name(signature, name)
    input_map[name].write(np.ascontiguousarray(value))
  output_map = {
      name: compiled.create_output_buffer_by_name(signature, name)
      for name in compiled.get_signature_list()[signature]['outputs']
  }
  compiled.run_by_name(signature, input_map, output_map)
  return output_map[output].read(int(np.prod(shape)), dtype).reshape(shape)


def _batch():
  digits = trained_models.load_digits()
  return digits.train_x[:_BATCH_SIZE], digits.train_y[:_BATCH_SIZE]


def _scores(model):
  return [layer.scores for layer in model.layers if hasattr(layer, 'scores')]


def _loss(model, x, y):
  return tf.reduce_mean(
      tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x))
  )


class FileTest(unittest.TestCase):

  def test_only_builtin_operations(self):
    for name in _MODELS:
      tables = flatbuffer_utils.convert_bytearray_to_object(
          bytearray(_file(name))
      )
      for code in tables.operatorCodes:
        self.assertIsNone(code.customCode)

  def test_logits_are_those_of_keras(self):
    images = trained_models.load_digits().test_x
    for name in _MODELS:
      infer = _interpreter(name).get_signature_runner('infer')
      expected = trained_models.train_on_digits(name)(images).numpy()
      for batch in (1, len(images)):
        np.testing.assert_allclose(
            infer(x=images[:batch])['logits'], expected[:batch], atol=1e-4
        )

  def test_batch_has_the_logits_of_as_many_images(self):
    images = trained_models.load_digits().test_x
    for name in _MODELS:
      interpreter = _interpreter(name)
      infer_batch = interpreter.get_signature_runner('infer_batch')
      (size, *_) = infer_batch.get_input_details()['x']['shape']
      logits = infer_batch(x=images[:size])['logits'].copy()
      infer = interpreter.get_signature_runner('infer')
      np.testing.assert_array_equal(logits, infer(x=images[:size])['logits'])

  def test_votes_are_the_packed_signs_of_the_kept_weights(self):
    for name in _MODELS:
      scores = tf.concat(_scores(trained_models.train_on_digits(name)), 0)
      votes = _interpreter(name).get_signature_runner('get_votes')()['votes']
      np.testing.assert_array_equal(
          votes, np.packbits(scores.numpy() >= 0, bitorder='little')
      )

  def test_mnist_net_is_small(self):
    model = trained_models.build_untrained(
        trained_models.make_architecture('pooled_cnn', (28, 28, 1)),
        trained_models.make_options(density=0.1),
    )
    size = len(trainable.convert_trainable(model, 32))
    self.assertLess(size, 450_000)


class TrainingTest(unittest.TestCase):

  def test_gradient_of_every_layer_is_that_of_tensorflow(self):
    x, y = _batch()
    for name in _MODELS:
      model = trained_models.train_on_digits(name)
      with tf.GradientTape() as tape:
        loss = _loss(model, x, y)
      expected = tape.gradient(loss, _scores(model))
      module = trainable.TrainableModule(model)
      _, found, _ = module.score_gradient(x, y)
      sizes = [gradient.shape[0] for gradient in expected]
      for ours, theirs in zip(tf.split(found, sizes), expected):
        error = tf.norm(ours - theirs) / tf.norm(theirs)
        self.assertLess(float(error), 1e-5)

  def test_steps_in_the_interpreter_are_those_of_keras(self):
    x, y = _batch()
    for name in _MODELS:
      model = tf.keras.models.clone_model(trained_models.train_on_digits(name))
      model.set_weights(trained_models.train_on_digits(name).get_weights())
      optimizer = tf.keras.optimizers.legacy.SGD(0.5)
      interpreter = _interpreter(name)
      train = interpreter.get_signature_runner('train')
      for _ in range(3):
        with tf.GradientTape() as tape:
          loss = _loss(model, x, y)
        gradients = tape.gradient(loss, _scores(model))
        optimizer.apply_gradients(zip(gradients, _scores(model)))
        found = train(x=x, y=y, learning_rate=np.float32(0.5))['loss']
        np.testing.assert_allclose(found, loss, rtol=1e-3)
      votes = interpreter.get_signature_runner('get_votes')()['votes']
      signs = tf.concat(_scores(model), 0).numpy() >= 0
      flips = np.unpackbits(votes, bitorder='little')[: signs.size] != signs
      self.assertLessEqual(flips.mean(), 1e-3)

  def test_compiled_model_trains_to_the_same_losses_and_votes(self):
    x, y = _batch()
    rate = np.array(0.5, np.float32)
    for name in _MODELS:
      interpreter = _interpreter(name)
      train = interpreter.get_signature_runner('train')
      compiled = compiled_model.CompiledModel.from_buffer(_file(name))
      for _ in range(3):
        loss = train(x=x, y=y, learning_rate=rate)['loss']
        found = _run_compiled(
            compiled, 'train', 'loss', (), x=x, y=y, learning_rate=rate
        )
        np.testing.assert_allclose(found, loss, rtol=1e-6)
      votes = interpreter.get_signature_runner('get_votes')()['votes']
      np.testing.assert_array_equal(
          _run_compiled(compiled, 'get_votes', 'votes', votes.shape, np.uint8),
          votes,
      )

  def test_partial_batch_trains_on_its_examples_alone(self):
    x, y = _batch()
    results = []
    for fill in (0.0, 9.0):
      interpreter = _interpreter('mlp')
      images, labels = x.copy(), y.copy()
      images[5:], labels[5:] = fill, -1
      loss = interpreter.get_signature_runner('train')(
          x=images, y=labels, learning_rate=np.float32(0.5)
      )['loss']
      votes = interpreter.get_signature_runner('get_votes')()['votes']
      results.append((loss, votes.tobytes()))
    self.assertEqual(results[0], results[1])

  def test_labels_that_are_no_class_train_nothing(self):
    x, y = _batch()
    rate = np.float32(3)
    for name in _MODELS:
      interpreter = _interpreter(name)
      train = interpreter.get_signature_runner('train')
      self.assertEqual(train(x=x, y=y, learning_rate=rate)['num_examples'], 16)
      before = _call(interpreter, 'get_scores', 'scores')
      for label in (-1, -2, 10, 2**31 - 1):
        labels = np.full_like(y, label)
        result = train(x=x, y=labels, learning_rate=rate)
        self.assertEqual((result['loss'], result['num_examples']), (0, 0))
        np.testing.assert_array_equal(
            _call(interpreter, 'get_scores', 'scores'), before
        )
      self.assertGreater(train(x=x, y=y, learning_rate=rate)['loss'], 0)

  def test_labels_that_are_no_class_do_not_change_the_step_of_others(self):
    x, y = _batch()
    results = []
    for labels in ([-1, -1, -1], [10, -2, 99]):
      interpreter = _interpreter('mlp')
      result = interpreter.get_signature_runner('train')(
          x=x,
          y=np.append(y[:-3], labels).astype(np.int32),
          learning_rate=np.float32(1),
      )
      self.assertEqual(result['num_examples'], 13)
      scores = _call(interpreter, 'get_scores', 'scores')
      results.append((result['loss'], scores.tobytes()))
    self.assertEqual(results[0], results[1])

  def test_step_that_is_no_number_leaves_the_scores(self):
    x, y = _batch()
    interpreter = _interpreter('mlp')
    before = _call(interpreter, 'get_scores', 'scores')
    for pixel, rate in ((0.5, np.nan), (0.5, np.inf), (np.nan, 1)):
      images = x.copy()
      images[0, 0, 0] = pixel
      _call(
          interpreter, 'train', 'loss', x=images, y=y,
          learning_rate=np.float32(rate),
      )
      after = _call(interpreter, 'get_scores', 'scores')
      self.assertTrue(np.isfinite(after).all())
      if not np.isfinite(rate):
        np.testing.assert_array_equal(after, before)

  def test_batch_of_another_size_is_an_error(self):
    x, y = _batch()
    for name in _MODELS:
      interpreter = _interpreter(name)
      before = _call(interpreter, 'get_scores', 'scores')
      for num_images, num_labels in ((16, 1), (1, 16), (5, 5), (0, 0)):
        with self.assertRaises(RuntimeError):
          _call(
              interpreter, 'train', 'loss', x=x[:num_images],
              y=y[:num_labels], learning_rate=np.float32(1),
          )
      np.testing.assert_array_equal(
          _call(interpreter, 'get_scores', 'scores'), before
      )


class MessagesTest(unittest.TestCase):

  def test_signs_moved_to_a_fresh_interpreter_give_the_same_logits(self):
    x, y = _batch()
    for name in _MODELS:
      trained, fresh = _interpreter(name), _interpreter(name)
      for _ in range(3):
        trained.get_signature_runner('train')(
            x=x, y=y, learning_rate=np.float32(2)
        )
      votes = trained.get_signature_runner('get_votes')()['votes']
      fresh.get_signature_runner('set_votes')(votes=votes)
      np.testing.assert_array_equal(
          fresh.get_signature_runner('infer')(x=x)['logits'],
          trained.get_signature_runner('infer')(x=x)['logits'],
      )

  def test_tally_sets_the_scores(self):
    interpreter = _interpreter('mlp')
    num_scores = sum(
        scores.shape[0]
        for scores in _scores(trained_models.train_on_digits('mlp'))
    )
    levels = np.random.default_rng(0).integers(0, 16, num_scores)
    nibbles = np.append(levels, [0] * (num_scores % 2)).astype(np.uint8)
    interpreter.get_signature_runner('set_tally')(
        tally=nibbles[::2] + 16 * nibbles[1::2]
    )
    votes = interpreter.get_signature_runner('get_votes')()['votes']
    np.testing.assert_array_equal(
        votes, np.packbits(levels >= 8, bitorder='little')
    )


  def test_message_of_another_length_is_an_error_and_sets_nothing(self):
    for name in _MODELS:
      interpreter = _interpreter(name)
      before = _call(interpreter, 'get_scores', 'scores')
      for signature, argument in (
          ('set_votes', 'votes'),
          ('set_tally', 'tally'),
          ('set_scores', 'scores'),
      ):
        runner = interpreter.get_signature_runner(signature)
        details = runner.get_input_details()[argument]
        right = details['shape'][0]
        for length in (0, 1, right // 2, right - 1, right + 1, 2 * right):
          message = np.ones(length, details['dtype'])
          with self.assertRaises(RuntimeError):
            runner(**{argument: message})
        np.testing.assert_array_equal(
            _call(interpreter, 'get_scores', 'scores'), before
        )
        message = np.ones(right, details['dtype'])
        self.assertEqual(
            runner(**{argument: message})['num_scores'], len(before)
        )
        interpreter.get_signature_runner('set_scores')(scores=before)

  def test_restarted_interpreter_goes_on_with_the_same_bits(self):
    x, y = _batch()
    step = dict(x=x, y=y, learning_rate=np.float32(2))
    for name in _MODELS:
      whole, before, after = (_interpreter(name) for _ in range(3))
      losses = [_call(whole, 'train', 'loss', **step) for _ in range(4)]
      found = [_call(before, 'train', 'loss', **step) for _ in range(2)]
      saved = _call(before, 'get_scores', 'scores')
      _call(after, 'set_scores', 'num_scores', scores=saved)
      found += [_call(after, 'train', 'loss', **step) for _ in range(2)]
      self.assertEqual(found, losses)
      np.testing.assert_array_equal(
          _call(after, 'get_scores', 'scores'),
          _call(whole, 'get_scores', 'scores'),
      )

  def test_scores_that_are_no_numbers_are_not_set(self):
    interpreter = _interpreter('mlp')
    before = _call(interpreter, 'get_scores', 'scores')
    scores = -before
    scores[[0, 5, 9]] = np.nan, np.inf, -np.inf
    num_scores = _call(interpreter, 'set_scores', 'num_scores', scores=scores)
    self.assertEqual(num_scores, len(before) - 3)
    expected = -before
    expected[[0, 5, 9]] = before[[0, 5, 9]]
    np.testing.assert_array_equal(
        _call(interpreter, 'get_scores', 'scores'), expected
    )


class UnsupportedTest(unittest.TestCase):

  def test_shortcut_is_named(self):
    inputs = tf.keras.Input([8, 8, 1])
    relu = tf.keras.layers.ReLU()(inputs)
    added = tf.keras.layers.Add(name='shortcut')([inputs, relu])
    model = tf.keras.Model(inputs, tf.keras.layers.Flatten()(added))
    with self.assertRaisesRegex(ValueError, "'shortcut'"):
      trainable.TrainableModule(model)

  def test_layer_without_a_gradient_is_named(self):
    for layer in (
        tf.keras.layers.GroupNormalization(1, name='normalised'),
        tf.keras.layers.MaxPool2D(3, name='wide'),
        tf.keras.layers.MaxPool2D(2, padding='same', name='padded'),
        tf.keras.layers.ReLU(6.0, name='capped'),
        tf.keras.layers.Conv2D(2, 3, name='dense_conv'),
    ):
      model = tf.keras.Sequential([tf.keras.Input([8, 8, 1]), layer])
      with self.assertRaisesRegex(ValueError, layer.name):
        trainable.TrainableModule(model)


if __name__ == '__main__':
  unittest.main()
