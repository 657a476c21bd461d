"""Programs: the only users of flags."""

import os

# TensorFlow reads it when it is imported, and every program imports this first.
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

# Makes `import tensorflow_federated` work.
# pylint: disable=wrong-import-position,unused-import
import tff_hidenseek
