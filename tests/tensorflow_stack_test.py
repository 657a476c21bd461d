import subprocess
import sys
import textwrap

from absl.testing import absltest

from tools import sources


def _run(program):
  """Runs a program in a fresh process; returns what it prints and says."""
  result = subprocess.run(
      [sys.executable, '-c', textwrap.dedent(program)], cwd=sources.ROOT,
      capture_output=True, text=True, check=False)
  return result.stdout.strip(), result.stderr


class ImportTest(absltest.TestCase):

  def test_the_package_alone_loads_no_tensorflow(self):
    printed, _ = _run("""
        import time
        start = time.process_time()
        import tff_hidenseek
        seconds = time.process_time() - start
        import sys
        print('tensorflow' in sys.modules, seconds < 0.5)
    """)
    self.assertEqual(printed, 'False True')

  def test_tff_computes_and_its_worker_ends_with_the_program(self):
    printed, said = _run("""
        import signal
        # As in a program that a shell runs in the background.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        import tff_hidenseek
        import numpy as np, psutil, tensorflow_federated as tff
        @tff.tensorflow.computation(np.int32)
        def add_one(x):
          return x + 1
        print(add_one(2), psutil.Process().children()[0].pid)
    """)
    result, pid = printed.split()
    self.assertEqual(result, '3')
    self.assertNotIn('ServiceManager', said)
    with self.assertRaises(OSError):
      with open(f'/proc/{pid}/cmdline', 'rb') as command:
        if b'worker_binary' not in command.read():  # Another process by now.
          raise ProcessLookupError

  def test_what_tff_does_not_need_is_not_loaded_and_not_left_behind(self):
    printed, _ = _run("""
        import sys
        import tff_hidenseek
        import tensorflow_federated
        print([m for m in ('jax', 'vizier', 'keras', 'tensorflow_probability',
                           'dp_accounting') if m in sys.modules])
        import dp_accounting
        print(dp_accounting.__file__ is not None, hasattr(dp_accounting, 'pld'))
    """)
    self.assertEqual(printed, '[]\nTrue True')

  def test_a_program_keeps_its_own_jax(self):
    printed, _ = _run("""
        import sys, types
        mine = sys.modules['jax'] = types.ModuleType('jax')
        import tff_hidenseek
        import tensorflow_federated
        print(sys.modules['jax'] is mine)
    """)
    self.assertEqual(printed, 'True')

  def test_jax_computations_say_why_they_are_missing(self):
    _, said = _run("""
        import tff_hidenseek
        import numpy as np, tensorflow_federated as tff
        tff.jax.computation(lambda x: x, np.int32)
    """)
    self.assertRegex(said, 'ImportError: jax.* is not available: tff_hidenseek')

  def test_queries_and_aggregators_of_differential_privacy_work(self):
    printed, _ = _run("""
        import tff_hidenseek
        import numpy as np, tensorflow_federated as tff
        import tensorflow_privacy as tfp
        factory = tff.learning.dp_aggregator(0.1, 100)
        process = factory.create(tff.TensorType(np.float32, [2]))
        print(type(process).__name__, tfp.GaussianSumQuery(1.0, 0.0).__module__)
        try:
          tfp.DPKerasSGDOptimizer
        except AttributeError as error:
          print(error)
    """)
    self.assertStartsWith(
        printed, 'AggregationProcess tensorflow_privacy.privacy.dp_query')
    self.assertIn("no attribute 'DPKerasSGDOptimizer' here", printed)

  def test_keras_3_in_use_is_refused(self):
    _, said = _run("""
        import sys, types
        class Layer:
          __module__ = 'keras.src.layers.layer'
        fake = sys.modules['tensorflow'] = types.ModuleType('tensorflow')
        fake.keras = types.SimpleNamespace(
            layers=types.SimpleNamespace(Layer=Layer))
        import tff_hidenseek
    """)
    self.assertRegex(
        said, 'ImportError: tff_hidenseek needs `tf.keras` to be Keras 2 .* '
        'found the package keras: import tff_hidenseek before')


if __name__ == '__main__':
  absltest.main()
