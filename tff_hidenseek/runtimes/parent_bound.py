"""Commands whose processes never outlive the program that starts them."""

import os
import sys
from typing import List, Sequence

# Asks the kernel to kill this process when the thread that started it ends
# (PR_SET_PDEATHSIG = 1, SIGKILL = 9), then becomes the command: the request
# survives `exec`. It is a program of its own because a `preexec_fn` is unsafe
# in a process with gRPC's and TensorFlow's threads.
_SHIM = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() != int(sys.argv[1]):
  os._exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def bind(command: Sequence[str]) -> List[str]:
  """Returns a command that ends with the thread that starts it.

  Args:
    command: The program's path, not only its name, and its arguments.
  """
  return [
      sys.executable, '-I', '-S', '-c', _SHIM, str(os.getpid()), *command
  ]
