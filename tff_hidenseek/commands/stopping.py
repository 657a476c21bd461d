"""Ctrl-C and SIGTERM end a command at once, with one line.

Left to Python, Ctrl-C raises an exception in whatever the main thread is at:
libraries print it, swallow it, or compute on for as long as they have not
returned to Python. So a thread of its own waits for the signals here, and ends
the process and all that it started. Commands can be killed at any moment and
lose nothing but the unfinished step, because they write their files whole.
"""

import os
import signal
import sys
import threading

EXIT_STATUS = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_sentence = 'Stopped.'
_is_watching = False
_is_stopping = threading.Event()


def is_command() -> bool:
  """Whether Python runs one of this project's commands.

  While `python -m` imports the package of the program that it will run, this
  program's name is '-m'. An installed command has a name of its own.
  """
  name = sys.argv[0]
  return name == '-m' or os.path.basename(name).startswith('hidenseek-')


def watch(sentence: str = _sentence) -> None:
  """Ends this program as the module says, from now on.

  A signal that the program was started to ignore, as a shell does in the
  background, is ignored still.

  Args:
    sentence: What to say then. A further call replaces it.
  """
  global _sentence, _is_watching
  _sentence = sentence
  if _is_watching:
    return
  _is_watching = True
  told, tell = os.pipe()
  os.set_blocking(tell, False)
  signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
  for signum in _SIGNALS:
    if signal.getsignal(signum) is not signal.SIG_IGN:
      # The signal's number goes to the pipe if there is any handler.
      signal.signal(signum, lambda *_: None)
  # TensorFlow's import takes file descriptor 2 away for a while.
  stderr = os.dup(2) if sys.stderr is not None else None
  threading.Thread(
      target=_wait, args=(told, stderr), name='stopping', daemon=True
  ).start()


def wait_if_stopping() -> None:
  """Does not return where the program is being stopped.

  What fails then fails because the processes that were started are killed, and
  nothing is to be said of it.
  """
  if _is_stopping.is_set():
    threading.Event().wait()


def _wait(told, stderr):
  while not set(os.read(told, 1)) & set(_SIGNALS):
    pass
  _is_stopping.set()
  try:
    _kill_children()
    if stderr is not None:
      os.write(stderr, f'{_line_start(stderr)}{_sentence}\n'.encode())
  finally:
    os._exit(EXIT_STATUS)


def _kill_children():
  import psutil  # pylint: disable=g-import-not-at-top

  for child in psutil.Process().children(recursive=True):
    try:
      child.kill()
    except psutil.Error:
      pass  # It has ended by itself.


def _line_start(stderr):
  """Returns what puts the sentence on a line of its own."""
  tqdm = sys.modules.get('tqdm')
  if tqdm is not None and getattr(tqdm.tqdm, '_instances', None):
    return '\n'  # After the bar of an unfinished loop.
  return '\r' if os.isatty(stderr) else ''  # Over the terminal's own ^C.
