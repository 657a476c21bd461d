import unittest

import numpy as np
import tensorflow_federated as tff

from tff_hidenseek.runtimes import dataflow_builder
from tff_hidenseek.runtimes import schedule

_FLOATS = tff.FederatedType(np.float32, tff.CLIENTS)


@tff.tensorflow.computation(np.float32)
def _square(value):
  return value * value


@tff.tensorflow.computation(np.float32, np.float32)
def _subtract(first, second):
  return first - second


def _build(computation):
  native = dataflow_builder.compile_to_native(computation)
  return schedule.build_schedule(
      dataflow_builder.build_dataflow(native.to_building_block())
  )


class ScheduleTest(unittest.TestCase):

  def test_aggregations_of_one_value_share_its_calls(self):
    @tff.federated_computation(_FLOATS)
    def describe(values):
      squares = tff.federated_map(_square, values)
      return (
          tff.federated_sum(squares), tff.federated_max(squares),
          tff.federated_min(squares),
      )

    (first, last) = _build(describe)
    self.assertLen(first.clients.calls, 1)
    self.assertLen(first.clients.outputs, 1)
    self.assertLen(first.totals, 3)
    self.assertEqual(first.kept, ())
    self.assertFalse(last.visits_clients)

  def test_keeps_what_a_later_pass_needs(self):
    @tff.federated_computation(_FLOATS)
    def sum_deviations(values):
      squares = tff.federated_map(_square, values)
      mean = tff.federated_broadcast(tff.federated_sum(squares))
      return tff.federated_sum(tff.federated_map(_subtract, (squares, mean)))

    first, second, last = _build(sum_deviations)
    self.assertLen(first.kept, 1)
    self.assertEqual(second.clients.inputs, first.kept)
    self.assertEqual(second.clients.shared, first.totals)
    self.assertLen(second.clients.calls, 1)
    self.assertFalse(last.visits_clients)

  def test_drops_what_no_result_needs(self):
    @tff.federated_computation(_FLOATS)
    def count(values):
      tff.federated_sum(tff.federated_map(_square, values))
      return tff.federated_sum(values)

    first, _ = _build(count)
    self.assertEqual(first.clients.calls, ())
    self.assertLen(first.totals, 1)

  def test_returned_client_values_share_the_pass_of_their_depth(self):
    @tff.federated_computation(_FLOATS)
    def square(values):
      squares = tff.federated_map(_square, values)
      return squares, tff.federated_sum(squares)

    first, _ = _build(square)
    self.assertLen(first.clients.calls, 1)
    self.assertLen(first.kept, 1)
    self.assertEqual(first.clients.outputs, first.kept)

  def test_work_at_the_server_alone_visits_no_client(self):
    @tff.federated_computation(tff.FederatedType(np.float32, tff.SERVER))
    def square(value):
      return tff.federated_map(_square, value)

    (only,) = _build(square)
    self.assertFalse(only.visits_clients)
    self.assertLen(only.server.calls, 1)

  def assertLen(self, container, length):
    self.assertEqual(len(container), length)


if __name__ == '__main__':
  unittest.main()
