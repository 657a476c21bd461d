from absl.testing import absltest
from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import means
from tff_hidenseek.privacy import secure_votes
from tff_hidenseek.runtimes import contexts


def _decode(num_votes, num_bits):
  return lambda upload: secure_votes.make_record(
      secure_votes.read(upload, num_votes, num_bits)
  )


class WidenTest(absltest.TestCase):

  def test_bits_are_the_fewest_that_hold_the_count(self):
    for clients, bits in ((1, 1), (2, 2), (3, 2), (4, 3), (10, 4), (100, 7)):
      self.assertEqual(secure_votes.bits_per_vote(clients), bits)
      self.assertEqual(bits, int(np.ceil(np.log2(clients + 1))))

  def test_three_votes_of_three_bits_fill_two_bytes(self):
    votes = tf.constant([True, False, True])
    widened = secure_votes.widen(votes, 3)
    # The bits are 100 000 100, the lowest first.
    np.testing.assert_array_equal(widened, [0b01000001, 0])
    np.testing.assert_array_equal(secure_votes.read(widened, 3, 3), [1, -1, 1])


class SecureVoteMeanTest(parameterized.TestCase):

  @parameterized.parameters('in_process', 'worker')
  def test_is_the_mean_of_the_votes(self, runtime):
    tff.framework.set_default_context(
        contexts.RUNTIMES[runtime](contexts.RuntimeOptions()))
    factory = means.DecodedSumFactory(
        _decode(3, 2), secure_votes.SecureVoteMeanFactory(3)
    )
    process = factory.create(tff.TensorType(np.uint8, [1]))
    uploads = [
        secure_votes.widen(tf.constant(votes), 2).numpy()
        for votes in ([True, True, False], [True] * 3, [True, False, False])
    ]
    output = process.next(process.initialize(), uploads)
    np.testing.assert_allclose(output.result, [1, 1 / 3, -1 / 3], rtol=1e-6)

  def test_moves_values_by_a_secure_sum_alone(self):
    process = secure_votes.SecureVoteMeanFactory(3).create(
        tff.to_type(
            dict(
                votes=tff.TensorType(np.float32, [3]),
                clients=tff.TensorType(np.float32),
            )
        )
    )
    form = process.next.to_building_block().formatted_representation()
    self.assertIn('federated_secure_modular_sum', form)
    # The one plain sum is of how many clients there are.
    self.assertEqual(form.count('federated_sum'), 1)
    self.assertNotIn('federated_aggregate', form)


if __name__ == '__main__':
  absltest.main()
