"""What commands do alike: flags, flag files, errors in a line, stopping.

Of the package, only this folder uses flags. Importing it is the first thing
that a program does: the imports of a command take seconds, in which Ctrl-C is
heeded and TensorFlow says nothing.
"""

from tff_hidenseek.commands import quiet_tensorflow
from tff_hidenseek.commands import stopping

if stopping.is_command():
  stopping.watch()
quiet_tensorflow.watch_import()
