"""Tests of tickets."""

import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np
from safetensors import numpy as safetensors_numpy
import tensorflow as tf

from tests.export import trained_models
import tff_hidenseek
from tff_hidenseek.ticket import sealed_tensors
from tff_hidenseek.ticket import ticket

_MODELS = ('mlp', 'lenet', 'pooled_cnn')


def _ticket(name, ticket_mask='embedded', **changes):
  return ticket.make_ticket(
      trained_models.train_on_digits(name, **changes),
      trained_models.make_architecture(name),
      trained_models.make_options(**changes),
      ticket_mask,
  )


class RebuildingTest(unittest.TestCase):

  def test_logits_are_bit_identical(self):
    images = trained_models.load_digits().test_x
    for ticket_mask in ticket.TICKET_MASKS:
      for name in _MODELS:
        with self.subTest(f'{name} {ticket_mask}'):
          model = ticket.parse_ticket(_ticket(name, ticket_mask))
          np.testing.assert_array_equal(
              model(images), trained_models.train_on_digits(name)(images)
          )

  def test_a_personal_model_keeps_its_class_prior(self):
    images = trained_models.load_digits().test_x
    shared = trained_models.train_on_digits('mlp')
    personal = trained_models.make_personal(shared)
    data = ticket.make_ticket(
        personal,
        trained_models.make_architecture('mlp'),
        trained_models.make_options(),
    )
    rebuilt = ticket.parse_ticket(data)
    np.testing.assert_array_equal(rebuilt(images), personal(images))
    self.assertLess(len(data), len(_ticket('mlp')) + 150)

  def test_gaussian_kernels_and_other_masks_are_rebuilt(self):
    images = trained_models.load_digits().test_x
    changes = dict(kernel_distribution='gaussian', pruning='random')
    for ticket_mask in ticket.TICKET_MASKS:
      with self.subTest(ticket_mask):
        model = ticket.parse_ticket(_ticket('lenet', ticket_mask, **changes))
        trained = trained_models.train_on_digits('lenet', **changes)
        np.testing.assert_array_equal(model(images), trained(images))

  def test_rebuilt_in_another_process_by_three_lines(self):
    model = trained_models.train_on_digits('lenet')
    images = trained_models.load_digits().test_x[:7]
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'model.ticket')
      ticket.save_ticket(
          path,
          model,
          trained_models.make_architecture('lenet'),
          trained_models.make_options(),
      )
      np.save(os.path.join(folder, 'images.npy'), images)
      program = (
          'import numpy as np; import tff_hidenseek; '
          f'model = tff_hidenseek.load_ticket({path!r}); '
          f'images = np.load({os.path.join(folder, "images.npy")!r}); '
          f'np.save({os.path.join(folder, "logits.npy")!r}, model(images))'
      )
      subprocess.run([sys.executable, '-c', program], check=True)
      logits = np.load(os.path.join(folder, 'logits.npy'))
    np.testing.assert_array_equal(logits, model(images))

  def test_importing_the_package_imports_no_tensorflow(self):
    program = (
        'import sys, tff_hidenseek; assert "tensorflow" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', program], check=True)

  def test_unknown_attribute_is_an_error(self):
    with self.assertRaisesRegex(AttributeError, 'load_tickets'):
      tff_hidenseek.load_tickets  # noqa: B018


class SizeTest(unittest.TestCase):

  def test_seeded_signs_are_smaller_than_a_bit_each(self):
    model = trained_models.train_on_digits('pooled_cnn')
    num_kept = sum(getattr(layer, 'num_kept', 0) for layer in model.layers)
    content = sealed_tensors.unpack(_ticket('pooled_cnn'))
    self.assertEqual(content.metadata['sign_code'], 'flips')
    self.assertLess(content.tensors['signs'].size, num_kept / 8)

  def test_signs_that_all_changed_are_stored_plainly(self):
    model = trained_models.build_untrained(
        trained_models.make_architecture('mlp'), trained_models.make_options()
    )
    rng = np.random.default_rng(0)
    for layer in model.layers:
      if hasattr(layer, 'scores'):
        layer.assign_scores(rng.normal(size=layer.num_kept))
    data = ticket.make_ticket(
        model,
        trained_models.make_architecture('mlp'),
        trained_models.make_options(),
    )
    content = sealed_tensors.unpack(data)
    self.assertEqual(content.metadata['sign_code'], 'plain')
    images = trained_models.load_digits().test_x
    np.testing.assert_array_equal(
        ticket.parse_ticket(data)(images), model(images)
    )

  def test_seed_leaves_the_mask_out(self):
    embedded, seed = _ticket('mlp'), _ticket('mlp', 'seed')
    self.assertLess(len(seed), len(embedded) / 2)

  def test_any_reader_of_safetensors_opens_it(self):
    data = _ticket('mlp')
    tensors = safetensors_numpy.load(data)
    content = sealed_tensors.unpack(data)
    self.assertEqual(tensors.keys() - {'sha256'}, content.tensors.keys())
    for name, tensor in content.tensors.items():
      np.testing.assert_array_equal(tensors[name], tensor)


class RefusalTest(unittest.TestCase):

  def test_model_of_another_seed_makes_no_ticket_and_no_file(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'model.ticket')
      with self.assertRaisesRegex(ValueError, 'kernels of seed 4'):
        ticket.save_ticket(
            path,
            trained_models.train_on_digits('mlp'),
            trained_models.make_architecture('mlp'),
            trained_models.make_options(seed=4),
        )
      self.assertEqual(os.listdir(folder), [])

  def test_dense_model_makes_no_ticket(self):
    model = tf.keras.Sequential([tf.keras.Input([3]), tf.keras.layers.Dense(2)])
    with self.assertRaisesRegex(ValueError, 'sign-masked layers.*found none'):
      ticket.make_ticket(
          model,
          trained_models.make_architecture('mlp'),
          trained_models.make_options(),
      )

  def test_mask_of_another_algorithm_is_not_taken_for_the_trained_one(self):
    content = sealed_tensors.unpack(_ticket('mlp', 'seed'))
    metadata = {**content.metadata, 'pruning': 'synflow_shuffled'}
    data = sealed_tensors.pack(content._replace(metadata=metadata))
    with self.assertRaisesRegex(ticket.TicketError, 'not the one.*embedded'):
      ticket.parse_ticket(data)

  def test_missing_file_is_the_usual_error(self):
    with self.assertRaises(FileNotFoundError):
      ticket.load_ticket('no_such.ticket')

  def test_device_file_and_folder_are_refused(self):
    for path in ('/dev/zero', tempfile.gettempdir()):
      with self.assertRaisesRegex(ticket.TicketError, 'regular file'):
        ticket.load_ticket(path)

  def test_file_too_large_is_refused_without_reading_it_all(self):
    with tempfile.NamedTemporaryFile() as sparse:
      sparse.truncate(1 << 40)
      with self.assertRaisesRegex(ticket.TicketError, 'at most'):
        ticket.load_ticket(sparse.name)

  def test_model_too_large_is_refused(self):
    with self.assertRaisesRegex(ticket.TicketError, 'at most 100 weights'):
      ticket.parse_ticket(_ticket('mlp'), max_weights=100)


if __name__ == '__main__':
  unittest.main()
