import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import client_optimizers


def _run(name, gradients, **options):
  """Returns a variable's values after steps of size 0.1 from [1, 1]."""
  variable = tf.Variable([1.0, 1.0])
  optimizer = client_optimizers.build_client_optimizer(
      name, 0.1, [variable], **options
  )

  @tf.function
  def step(gradient):
    optimizer.apply_gradients([(gradient, variable)])
    return variable.read_value()

  return [step(tf.constant(gradient)).numpy() for gradient in gradients]


class ClientOptimizersTest(tf.test.TestCase):

  def test_sgd_steps_along_the_gradient(self):
    self.assertAllClose(_run('sgd', [[1.0, -2.0]]), [[0.9, 1.2]])

  def test_momentum_remembers_nine_tenths(self):
    self.assertAllClose(
        _run('momentum', [[1.0, 0.0], [1.0, 0.0]]), [[0.9, 1], [0.71, 1]]
    )

  def test_momentum_remembers_the_part_it_is_told(self):
    # Velocities -0.1 and -0.1 - 0.5 * 0.1.
    self.assertAllClose(
        _run('momentum', [[1.0, 0.0], [1.0, 0.0]], momentum=0.5),
        [[0.9, 1], [0.75, 1]],
    )

  def test_the_first_step_of_adam_is_the_learning_rate(self):
    self.assertAllClose(_run('adam', [[3.0, -0.01]]), [[0.9, 1.1]], atol=1e-4)

  def test_no_optimizer_moves_without_a_gradient(self):
    for name in client_optimizers.CLIENT_OPTIMIZERS:
      self.assertAllEqual(_run(name, [[0.0, 0.0]] * 2), np.ones([2, 2]))

  def test_a_reset_makes_it_new(self):
    for name in client_optimizers.CLIENT_OPTIMIZERS:
      variable = tf.Variable([1.0])
      optimizer = client_optimizers.build_client_optimizer(
          name, 0.1, [variable]
      )
      for _ in range(2):
        optimizer.apply_gradients([(tf.constant([3.0]), variable)])
      optimizer.reset()
      variable.assign([1.0])
      optimizer.apply_gradients([(tf.constant([3.0]), variable)])
      self.assertAllEqual(variable, _run(name, [[3.0, 0.0]])[0][:1])


if __name__ == '__main__':
  tf.test.main()
