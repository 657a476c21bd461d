import itertools

import tensorflow as tf

from tff_hidenseek.learning import random_seeds


class ClientSeedTest(tf.test.TestCase):

  def test_every_draw_has_a_seed_of_its_own(self):
    draws = list(
        itertools.product((0, 1), random_seeds.Purpose, range(4), range(4))
    )
    seeds = {
        tuple(random_seeds.client_seed(*draw).numpy().tolist())
        for draw in draws
    }
    self.assertLen(seeds, len(draws))

  def test_a_tensor_gives_the_seed_of_its_number(self):
    purpose = random_seeds.Purpose.VOTE
    self.assertAllEqual(
        random_seeds.client_seed(3, purpose, tf.constant(5), tf.constant(7)),
        random_seeds.client_seed(3, purpose, 5, 7),
    )

  def test_takes_the_largest_seed(self):
    seed = random_seeds.client_seed(
        2**31 - 1, random_seeds.Purpose.VOTE, 2**31 - 1, 2**31 - 1
    )
    self.assertEqual(seed.dtype, tf.int64)
    self.assertEqual(seed.shape, [2])


if __name__ == '__main__':
  tf.test.main()
