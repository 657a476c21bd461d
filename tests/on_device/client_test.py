"""Tests of the client on a device."""

import functools
import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np

from tests.export import trained_models
from tff_hidenseek.export import litert
from tff_hidenseek.export import trainable
from tff_hidenseek.on_device import client as client_lib

_BATCH_SIZE = 16


@functools.lru_cache()
def _file():
  return trainable.convert_trainable(
      trained_models.train_on_digits('mlp'),
      _BATCH_SIZE,
  )


def _make_client(num_examples=20, **changes):
  digits = trained_models.load_digits()
  arguments = dict(
      x=digits.train_x[:num_examples],
      y=digits.train_y[:num_examples],
      learning_rate=0.3,
      num_epochs=2,
      seed=0,
  )
  return client_lib.DeviceClient(
      litert.open_content(_file()),
      **{**arguments, **changes},
  )


def _tally(client):
  """Returns a message whose scores are all 1/15, the level 8."""
  return bytes([8 + 16 * 8]) * client.message_bytes


class DeviceClientTest(unittest.TestCase):

  def test_same_seed_gives_the_same_votes(self):
    votes = []
    for seed in (0, 0, 1):
      client = _make_client(seed=seed, learning_rate=3)
      votes.append(client.run_round(_tally(client), 1))
    self.assertEqual(votes[0], votes[1])
    self.assertNotEqual(votes[0], votes[2])

  def test_every_example_is_seen_in_every_epoch(self):
    client = _make_client(num_examples=33)
    client.run_round(_tally(client), 1)
    self.assertEqual(client.report()['steps'], 2 * 3)

  def test_sends_a_bit_and_receives_half_a_byte_for_a_kept_weight(self):
    model = trained_models.train_on_digits('mlp')
    num_kept = sum(getattr(layer, 'num_kept', 0) for layer in model.layers)
    client = _make_client()
    self.assertEqual(client.message_bytes, -(-num_kept // 2))
    votes = client.run_round(_tally(client), 1)
    self.assertEqual(len(votes), -(-num_kept // 8))

  def test_message_of_another_length_is_refused(self):
    client = _make_client()
    with self.assertRaisesRegex(ValueError, '`message` must have .* found 3'):
      client.run_round(bytes(3), 1)

  def test_client_without_examples_is_refused(self):
    with self.assertRaisesRegex(ValueError, 'at least 1, found 0 and 0'):
      _make_client(num_examples=0)

  def test_label_that_is_no_class_is_refused(self):
    for label in (-1, 10):
      with self.assertRaisesRegex(
          ValueError, rf'`y` must hold labels in \[0, 10\), found {label}'
      ):
        _make_client(y=np.array([3] * 19 + [label], np.int32))

  def test_votes_of_a_round_do_not_depend_on_the_rounds_before(self):
    client = _make_client(learning_rate=3)
    client.run_round(_tally(client), 1)
    again = _make_client(learning_rate=3)
    second = client.run_round(_tally(client), 2)
    self.assertEqual(again.run_round(_tally(again), 2), second)
    self.assertNotEqual(again.run_round(_tally(again), 1), second)

  def test_reads_its_examples_and_writes_its_report(self):
    digits = trained_models.load_digits()
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'client.npz')
      np.savez(path, x=digits.train_x[:20], y=digits.train_y[:20])
      x, y = client_lib.read_examples(path)
      np.testing.assert_array_equal(x, digits.train_x[:20])
      client = _make_client(x=x, y=y)
      client.run_round(_tally(client), 1)
      report_path = os.path.join(folder, 'report.json')
      client.write_report(report_path)
      with open(report_path, encoding='utf-8') as report:
        content = json.load(report)
      with self.assertRaisesRegex(ValueError, 'missing y'):
        np.savez(path, x=digits.train_x[:20])
        client_lib.read_examples(path)
    self.assertEqual(content['steps'], 2 * 2)
    self.assertTrue(content['has_tensorflow'])

  def test_imports_no_tensorflow(self):
    program = (
        'import sys, binaries.device_client; '
        'assert "tensorflow" not in sys.modules'
    )
    subprocess.run([sys.executable, '-c', program], check=True)


if __name__ == '__main__':
  unittest.main()
