"""Programs: the only users of flags."""

from binaries import quiet_tensorflow
from binaries import stopping
# Makes `import tensorflow_federated` work.
import tff_hidenseek  # pylint: disable=unused-import

# Now, since the imports of a command take seconds.
if stopping.is_command():
  stopping.watch()
quiet_tensorflow.watch_import()
