import unittest

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import in_process
from tff_hidenseek.runtimes import whole_loops


@tff.tensorflow.computation(np.int32)
def _count_up(number):
  """Returns the number plus three, by a loop with a condition in it."""

  @tf.function(autograph=False)
  def run():
    return tf.while_loop(
        lambda i, total: i < 4,
        lambda i, total: (
            i + 1,
            tf.cond(i < 3, lambda: total + 1, lambda: total),
        ),
        (0, number),
    )[1]

  return run()


@tff.federated_computation(tff.FederatedType(np.int32, tff.CLIENTS))
def _count_up_and_add(numbers):
  return tff.federated_sum(tff.federated_map(_count_up, numbers))


def _find_graphs(computation):
  """Returns the serialised graphs of a computation as one text."""
  return str(tff.framework.serialize_computation(computation))


def _count_ops(computation, op):
  """Returns how often an op is in the graphs after TFF has optimised them."""
  native = tff.backends.native.desugar_and_transform_to_native(computation)
  return _find_graphs(native).count(op)


class WholeLoopsTest(unittest.TestCase):

  def test_loops_are_not_taken_apart(self):
    whole = whole_loops.keep_loops_whole(_count_up_and_add)
    self.assertGreater(_count_ops(_count_up_and_add, 'Switch'), 0)
    self.assertEqual(_count_ops(whole, 'Switch'), 0)

  def test_the_result_is_the_same(self):
    context = in_process.create_in_process_context(client_threads=2)
    with tff.framework.get_context_stack().install(context):
      self.assertEqual(_count_up_and_add([1, 10]), 17)

  def test_the_type_is_the_same(self):
    whole = whole_loops.keep_loops_whole(_count_up_and_add)
    self.assertEqual(whole.type_signature, _count_up_and_add.type_signature)


if __name__ == '__main__':
  unittest.main()
