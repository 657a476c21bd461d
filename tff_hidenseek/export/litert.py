"""TFLite files in LiteRT's interpreter, the one that devices run.

Nothing here imports TensorFlow.
"""

from typing import Callable

from ai_edge_litert import interpreter as litert_interpreter
import numpy as np


def open_file(path: str) -> litert_interpreter.Interpreter:
  """Opens a TFLite file on one thread."""
  return litert_interpreter.Interpreter(model_path=path, num_threads=1)


def open_content(content: bytes) -> litert_interpreter.Interpreter:
  """Opens the bytes of a TFLite file on one thread."""
  return litert_interpreter.Interpreter(model_content=content, num_threads=1)


def make_predict_fn(
    path: str, signature: str, input_name: str, output_name: str
) -> Callable[[np.ndarray], np.ndarray]:
  """Makes of a file the function from a batch of images to logits.

  Args:
    path: The TFLite file.
    signature: The name of its signature.
    input_name: The name of the signature's only input.
    output_name: The name of an output.

  Returns:
    A function that takes any number of images.
  """
  runner = open_file(path).get_signature_runner(signature)
  # A copy: the interpreter writes the next answer into the same memory.
  return lambda images: np.array(runner(**{input_name: images})[output_name])


def make_invoke_fn(path: str, image: np.ndarray) -> Callable[[], None]:
  """Makes of a file a function that runs it on one image, to be timed.

  Args:
    path: A TFLite file with one signature.
    image: float32[height, width, channels].

  Returns:
    The function, whose time is the interpreter's alone.
  """
  interpreter = open_file(path)
  interpreter.allocate_tensors()  # For one image, as long as none were given.
  index = interpreter.get_input_details()[0]['index']
  interpreter.set_tensor(index, image[np.newaxis])
  return interpreter.invoke
