"""Programs: the only users of flags."""

import os
import tempfile


def _import_quietly() -> None:
  """Imports TensorFlow without its notices, which no setting turns off.

  On processors with oneDNN's instructions TensorFlow 2.21 writes four lines to
  the file descriptor of stderr, whatever TF_CPP_MIN_LOG_LEVEL says. Where the
  import fails they are shown, and whoever needs TensorFlow says what is wrong.
  """
  # pylint: disable=g-import-not-at-top,unused-import
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  # Before TensorFlow: it chooses Keras 2, and makes TFF's import work.
  import tff_hidenseek

  stderr = os.dup(2)
  with tempfile.TemporaryFile() as notices:
    os.dup2(notices.fileno(), 2)
    try:
      import tensorflow
    except ImportError:
      notices.seek(0)
      os.write(stderr, notices.read())
    finally:
      os.dup2(stderr, 2)
      os.close(stderr)


_import_quietly()
