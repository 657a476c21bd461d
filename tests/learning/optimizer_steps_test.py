from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import client_optimizers
from tff_hidenseek.learning import optimizer_steps


class OptimizerStepsTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*client_optimizers.CLIENT_OPTIMIZERS)
  def test_steps_are_those_of_the_client_optimizer(self, name):
    variable = tf.Variable([1.0, -2.0, 3.0])
    optimizer = client_optimizers.build_client_optimizer(
        name, 0.1, [variable], 0.8
    )
    step = optimizer_steps.OPTIMIZER_STEPS[name](0.1, 0.8)
    weight = variable.read_value()
    slots = [tf.zeros_like(weight)] * step.num_slots
    rng = np.random.default_rng(0)
    for num_steps in (1.0, 2.0, 3.0):
      gradient = tf.constant(rng.standard_normal(3).astype(np.float32))
      optimizer.apply_gradients([(gradient, variable)])
      weight, slots = step.apply(
          weight, slots, gradient, tf.constant(num_steps)
      )
      self.assertAllClose(weight, variable, rtol=1e-5, atol=0)


if __name__ == '__main__':
  tf.test.main()
