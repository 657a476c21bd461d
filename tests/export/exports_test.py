"""Tests of exporting a model to many formats."""

import errno
import os
from unittest import mock

from absl.testing import absltest
import numpy as np
import tensorflow as tf

from tests.export import trained_models
from tff_hidenseek.export import exports
from tff_hidenseek.export import formats
from tff_hidenseek.models import layer_sets


def _dense_source():
  architecture = trained_models.make_architecture('linear')
  return formats.Source(
      model=architecture.build(layer_sets.DenseLayers(initializer_seed=0)),
      calibration_images=trained_models.load_digits().train_x[:50],
      architecture=architecture,
      network_options=None,
      ticket_mask='embedded',
      batch_size=8,
      description={'class_names': list('0123456789')},
  )


class ChooseGateImagesTest(absltest.TestCase):

  def test_test_images_come_first_and_a_thousand_are_enough(self):
    zeros, ones = np.zeros([300, 1, 1, 1]), np.ones([800, 1, 1, 1])
    images = exports.choose_gate_images(zeros, ones)
    self.assertEqual(images.shape, (1000, 1, 1, 1))
    self.assertEqual(images[:300].sum(), 0)
    self.assertEqual(images.sum(), 700)
    many = np.zeros([2000, 1, 1, 1])
    self.assertEqual(exports.choose_gate_images(many, ones).sum(), 0)


class ExportFormatsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = os.path.join(self.create_tempdir().full_path, 'export')
    digits = trained_models.load_digits()
    self.images, self.labels = digits.test_x[:100], digits.test_y[:60]

  def export(self, *names, source=None):
    return exports.export_formats(
        names, source or _dense_source(), self.folder, self.images, self.labels
    )

  def test_a_row_for_each_file_and_a_reason_for_each_other(self):
    rows, refusals = self.export('keras', 'tflite_ternary', 'tflite_float32')
    self.assertEqual([r.flavour for r in rows], ['keras', 'tflite_float32'])
    self.assertEqual(list(refusals), ['tflite_ternary'])
    self.assertCountEqual(os.listdir(self.folder), [r.file for r in rows])
    logits = _dense_source().model.predict(self.images, verbose=0)
    accuracy = np.mean(logits.argmax(axis=1)[:60] == self.labels)
    for row in rows:
      self.assertEqual(row.agreement, 1)
      self.assertAlmostEqual(row.accuracy, accuracy)
      self.assertEqual(
          row.bytes, os.path.getsize(os.path.join(self.folder, row.file))
      )
    self.assertIsNone(rows[0].latency_ratio)
    self.assertGreater(rows[1].latency_ratio, 0)

  def test_the_only_format_must_not_be_refused(self):
    with self.assertRaisesRegex(ValueError, 'of one magnitude'):
      self.export('tflite_ternary')
    self.assertEmpty(os.listdir(self.folder))

  def test_logits_that_are_no_numbers_are_refused(self):
    source = _dense_source()
    kernel = source.folded.layers[-1].kernel
    kernel.assign(np.full(kernel.shape, 3e38, np.float32))
    with self.assertRaisesRegex(
        ValueError, 'must give finite logits, found inf on a real example'
    ):
      self.export('keras', source=source)
    self.assertFalse(os.path.exists(self.folder))

  def test_what_a_killed_export_left_is_removed(self):
    os.makedirs(self.folder)
    with open(os.path.join(self.folder, 'unfinished.1.model.keras'), 'w'):
      pass
    self.export('keras')
    self.assertEqual(os.listdir(self.folder), ['model.keras'])

  def test_a_full_disk_ends_it_and_leaves_whole_files_only(self):
    full = OSError(errno.ENOSPC, 'No space left on device')
    sync = os.fsync

    def fsync(descriptor):
      if os.path.exists(os.path.join(self.folder, 'model.keras')):
        raise full
      sync(descriptor)

    with mock.patch.object(os, 'fsync', fsync):
      with self.assertRaisesRegex(
          OSError, 'model_float32.tflite could not be written, .*No space left'
      ):
        self.export('keras', 'tflite_float32', 'tflite_float16')
    self.assertEqual(os.listdir(self.folder), ['model.keras'])
    tf.keras.models.load_model(os.path.join(self.folder, 'model.keras'))


if __name__ == '__main__':
  absltest.main()
