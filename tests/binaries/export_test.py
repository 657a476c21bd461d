"""Tests of the command that exports a run."""

import functools
import json
import os
import shutil
import tempfile
import unittest

import numpy as np
import tensorflow as tf

from tests.binaries import command_runs
import tff_hidenseek
from tff_hidenseek.data import datasets
from tff_hidenseek.export import agreement
from tff_hidenseek.export import file_description
from tff_hidenseek.export import formats

_COLUMNS = {
    'flavour', 'file', 'bytes', 'gzip_bytes', 'latency_ratio', 'accuracy',
    'agreement', 'max_logit_error',
}


def _run(name, *arguments):
  outcome = command_runs.run(name, *arguments)
  return outcome.exit_code, outcome.stdout + outcome.stderr


@functools.lru_cache()
def _run_dir(algorithm='hidenseek', partition='iid') -> str:
  run_dir = os.path.join(_FOLDER, f'{algorithm}_{partition}')
  code, output = _run(
      'train',
      f'--algorithm={algorithm}',
      '--model=mlp',
      f'--partition={partition}',
      '--num_clients=2',
      '--clients_per_round=2',
      '--num_rounds=2',
      f'--output_dir={run_dir}',
  )
  assert code == 0, output
  return run_dir


def _final_model() -> tf.keras.Model:
  return tf.keras.models.load_model(
      os.path.join(_run_dir(), 'final_model.keras')
  )


def _export_ticket(folder, *arguments) -> tf.keras.Model:
  output_dir = os.path.join(_FOLDER, folder)
  code, output = _run(
      'export',
      f'--run_dir={_run_dir()}',
      f'--output_dir={output_dir}',
      '--format=ticket',
      *arguments,
  )
  assert code == 0, output
  return tff_hidenseek.load_ticket(os.path.join(output_dir, 'model.ticket'))


def setUpModule():
  global _FOLDER
  _FOLDER = tempfile.mkdtemp()


def tearDownModule():
  shutil.rmtree(_FOLDER)


class ExportTest(unittest.TestCase):

  def test_all_formats_and_the_table(self):
    output_dir = os.path.join(_FOLDER, 'all')
    code, output = _run(
        'export',
        f'--run_dir={_run_dir()}',
        f'--output_dir={output_dir}',
        '--calibration_examples=100',
    )
    self.assertEqual(code, 0, output)
    self.assertIn('compared with Keras on 1000 real examples', output)
    with open(os.path.join(output_dir, 'export.json')) as report:
      content = json.load(report)
    self.assertEqual(
        {row['flavour'] for row in content['rows']} | set(content['refused']),
        set(formats.FORMATS),
    )
    for row in content['rows']:
      self.assertEqual(set(row), _COLUMNS)
      path = os.path.join(output_dir, row['file'])
      self.assertTrue(os.path.exists(path))
      if os.path.isfile(path):
        self.assertEqual(os.path.getsize(path), row['bytes'])
      self.assertRegex(
          output, rf'\| {row["flavour"]} +\| +{row["bytes"]:,} \|'
      )
    self.assertTrue(
        os.path.exists(os.path.join(output_dir, 'accuracy_over_bytes.png'))
    )
    self.assertLess(set(content['refused']), {'tflite_int8'})
    path = os.path.join(output_dir, 'model_ternary2.tflite')
    with open(path, 'rb') as file:
      described = file_description.read(file.read())
    self.assertEqual(described, content['model'])
    self.assertEqual(described['class_names'], list('0123456789'))
    self.assertEqual(described['input']['range'], [0, 1])
    self.assertEqual(described['run']['algorithm'], 'hidenseek')
    self.assertEqual(described['run']['seed'], 0)
    self.assertNotIn('data_dir', described['run'])

  def test_ticket_of_a_run_is_its_final_model(self):
    images = datasets.load_dataset('digits').test_x
    np.testing.assert_array_equal(
        _export_ticket('seed', '--ticket_mask=seed')(images),
        _final_model()(images),
    )

  def test_personal_model_is_another_than_the_global_one(self):
    images = datasets.load_dataset('digits').test_x
    personal = _export_ticket('personal', '--client_id=1')
    self.assertFalse(np.array_equal(personal(images), _final_model()(images)))

  def test_personal_model_of_a_skewed_client_gives_only_its_classes(self):
    output_dir = os.path.join(_FOLDER, 'skewed')
    for name in ('tflite_float32', 'ticket'):
      code, output = _run(
          'export',
          f'--run_dir={_run_dir(partition="shards")}',
          f'--output_dir={output_dir}',
          f'--format={name}',
          '--client_id=1',
      )
      self.assertEqual(code, 0, output)
    images = datasets.load_dataset('digits').test_x
    model = tff_hidenseek.load_ticket(os.path.join(output_dir, 'model.ticket'))
    (prior,) = [x for x in model.layers if x.name == 'class_prior']
    of_client = np.flatnonzero(prior.log_prior.numpy() > -1000)
    self.assertEqual(len(of_client), 2)
    read = formats.FORMATS['tflite_float32'].read
    logits = read(os.path.join(output_dir, 'model_float32.tflite'))(images)
    self.assertLessEqual(set(logits.argmax(axis=1)), set(of_client))
    # Equal but for ties, between which rounding decides.
    bounds = agreement.Bounds()
    self.assertEqual(bounds.min_agreement, 1)
    agreement.check('The file', logits, model(images).numpy(), bounds)

  def test_dense_run_exports_but_has_no_ticket(self):
    run_dir = _run_dir('fed_avg')
    code, output = _run('export', f'--run_dir={run_dir}')
    self.assertEqual(code, 0, output)
    with open(os.path.join(run_dir, 'export', 'export.json')) as report:
      refused = json.load(report)['refused']
    for name in ('ticket', 'tflite_trainable'):
      self.assertIn('The model must be one of hidenseek', refused[name])
    for name in ('tflite_ternary', 'tflite_ternary2', 'tflite_int2'):
      self.assertIn('weights are all of one magnitude', refused[name])
    path = os.path.join(run_dir, 'export', 'model_float16.tflite')
    self.assertTrue(os.path.exists(path))

  def test_weights_that_are_no_numbers_are_told_in_a_line(self):
    copy = os.path.join(_FOLDER, 'diverged')
    shutil.copytree(
        _run_dir('fed_avg'), copy, ignore=shutil.ignore_patterns('export')
    )
    path = os.path.join(copy, 'final_model.keras')
    model = tf.keras.models.load_model(path)
    last = model.layers[-1]
    last.kernel.assign(np.full(last.kernel.shape, np.nan))
    model.save(path)
    code, output = _run('export', f'--run_dir={copy}')
    self.assertEqual(code, 2)
    self.assertEqual(output.count('error:'), 1)
    self.assertIn(f'found nan in `kernel` of layer {last.name!r}', output)
    self.assertNotIn('Traceback', output)
    self.assertFalse(os.path.exists(os.path.join(copy, 'export')))

  def test_mistake_is_told_in_a_line(self):
    code, output = _run(
        'export', f'--run_dir={_run_dir()}', '--client_id=7'
    )
    self.assertEqual(code, 2)
    self.assertIn('error: `client_id` must be in [0, 2), found 7', output)


if __name__ == '__main__':
  unittest.main()
