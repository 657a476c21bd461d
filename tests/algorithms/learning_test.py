"""Every algorithm of the table learns, and keeps its clients' states."""

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run
from tff_hidenseek.runtimes import in_process

# Whose clients' own models are what is learned.
_PERSONAL = {'fed_mask'}


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _train(algorithm, num_rounds):
  """Returns a run on the digits, IID, after some rounds."""
  config = config_lib.build_config(
      dict(
          algorithm=algorithm,
          dataset='digits',
          model='mlp',
          num_clients=5,
          clients_per_round=5,
          num_epochs=3,
          batch_size=16,
      )
  )
  federation = federation_lib.build_federation(config)
  run = training_run.TrainingRun(
      config, training_loop.build_algorithm(config, federation), federation
  )
  for round_num in range(1, num_rounds + 1):
    run.train_round(round_num)
  return run


class LearningTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(sorted(registry.ALGORITHMS))
  def test_digits_are_learned_in_a_few_rounds(self, name):
    run = _train(name, 6)
    if name in _PERSONAL:
      accuracy = np.mean(list(run.personal_accuracies().values()))
    else:
      accuracy = run.global_accuracy()
    self.assertGreater(accuracy, 0.6)


if __name__ == '__main__':
  tf.test.main()
