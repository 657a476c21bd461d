import os
import unittest
from unittest import mock

import tensorflow as tf

from tff_hidenseek.runtimes import devices


class GpuMemoryTest(unittest.TestCase):

  def _grow(self, **behaviour):
    with mock.patch.object(
        tf.config, 'list_physical_devices', return_value=['gpu']
    ), mock.patch.object(
        tf.config.experimental, 'set_memory_growth', **behaviour
    ) as set_memory_growth:
      self.assertEqual(devices.grow_gpu_memory(), ['gpu'])
    set_memory_growth.assert_called_once_with('gpu', True)

  def test_a_gpu_takes_memory_when_it_is_needed(self):
    self._grow()

  def test_a_program_that_runs_already_keeps_its_setting(self):
    self._grow(side_effect=RuntimeError)

  def test_a_program_that_divided_its_gpu_keeps_its_setting(self):
    self._grow(side_effect=ValueError)


class PlacementTest(unittest.TestCase):

  def _place(self, client_devices):
    with mock.patch.object(
        devices, 'grow_gpu_memory', return_value=['gpu']
    ), mock.patch.object(
        tf.config,
        'list_logical_devices',
        return_value=[
            mock.Mock(), mock.Mock()
        ],
    ) as logical:
      for device, name in zip(
          logical.return_value, ['/device:CPU:0', '/device:GPU:0']
      ):
        device.name = name
      return devices.place_clients(None, client_devices)

  def test_a_gpu_trains_four_clients_at_a_time(self):
    self.assertEqual(self._place(None), (4, ['/device:GPU:0']))

  def test_a_cpu_beside_a_gpu_trains_one_client_a_core(self):
    num_cores = len(os.sched_getaffinity(0))
    self.assertEqual(self._place(['CPU:0']), (num_cores, ['/device:CPU:0']))


if __name__ == '__main__':
  unittest.main()
