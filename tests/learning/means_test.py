import collections

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.learning import boundary
from tff_hidenseek.learning import means
from tff_hidenseek.runtimes import in_process

# Ones at the positions that are sent.
_UPLOAD_TYPE = tff.TensorType(np.int32, [None])
_UPLOADS = [np.array(p, np.int32) for p in ([0, 2], [], [2])]


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _decode(positions):
  is_sent = tf.scatter_nd(
      positions[:, tf.newaxis], tf.ones([tf.size(positions)]), [3]
  )
  return collections.OrderedDict(
      is_sent=is_sent, size=tf.cast(tf.size(positions), tf.float32)
  )


def _run(process, *values):
  return process.next(process.initialize(), *values).result


class TypesTest(tf.test.TestCase):

  def test_what_crosses_is_the_upload_as_it_is(self):
    factory = means.UnweightedDecodedMeanFactory(_decode)
    process = factory.create(_UPLOAD_TYPE)
    self.assertEqual(boundary.find_crossing(process.next).up, [_UPLOAD_TYPE])


class ExecutionTest(tf.test.TestCase):

  def test_mean_of_uploads_of_any_length(self):
    factory = means.UnweightedDecodedMeanFactory(_decode)
    mean = _run(factory.create(_UPLOAD_TYPE), _UPLOADS)
    self.assertAllClose(mean['is_sent'], [1 / 3, 0, 2 / 3])
    self.assertAllClose(mean['size'], 1)

  def test_clients_weigh_as_they_say(self):
    factory = means.DecodedMeanFactory(_decode)
    process = factory.create(_UPLOAD_TYPE, tff.TensorType(np.float32))
    mean = _run(process, _UPLOADS, [1.0, 2.0, 5.0])
    self.assertAllClose(mean['is_sent'], [1 / 8, 0, 6 / 8])

  def test_weights_of_zero_give_zero(self):
    factory = means.DecodedMeanFactory(_decode)
    process = factory.create(_UPLOAD_TYPE, tff.TensorType(np.float32))
    mean = _run(process, _UPLOADS, [0.0, 0.0, 0.0])
    self.assertAllEqual(mean['is_sent'], [0, 0, 0])


if __name__ == '__main__':
  tf.test.main()
