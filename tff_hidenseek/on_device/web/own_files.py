"""The exported files that a page makes its own by writing its signs."""

import os
import threading
from typing import Callable, Dict, Tuple

import numpy as np

from tff_hidenseek.export import formats
from tff_hidenseek.export import sign_places

FLAVOURS = ('float32', 'int8')


class OwnFiles:
  """Exports the global model when it is asked for, with the places of signs.

  An int8 file has the ranges of the global model's activations: those of a
  client's own model are not known, as its signs are not.
  """

  def __init__(
      self,
      folder: str,
      make_source: Callable[[], formats.Source],
      images: np.ndarray,
      global_votes: Callable[[], bytes],
  ):
    """Initializes what makes the files; nothing is made yet.

    Args:
      folder: Where exported files are written; it is made if there is none.
      make_source: Returns the global model as `binaries.export` exports it.
      images: Those on which a file is compared with Keras.
      global_votes: Returns the packed signs of the global model.
    """
    self._folder = folder
    self._make_source = make_source
    self._images = images
    self._global_votes = global_votes
    self._made: Dict[str, Tuple[bytes, bytes]] = {}
    self._lock = threading.Lock()

  def make(self, flavour: str) -> bytes:
    """Returns what a page needs for its own file.

    It is made anew where the global model has changed. Takes seconds.

    Args:
      flavour: One of `FLAVOURS`.

    Returns:
      For each score the place of a byte in the file, uint32[K]; what this byte
      is XORed with where the score is below 0, uint8[K]; the file.

    Raises:
      ValueError: If the file does not agree with Keras; see `formats.export`.
    """
    with self._lock:
      votes = self._global_votes()
      if self._made.get(flavour, (b'',))[0] != votes:
        self._made[flavour] = votes, self._export(f'tflite_{flavour}')
      return self._made[flavour][1]

  def _export(self, name):
    source = self._make_source()
    os.makedirs(self._folder, exist_ok=True)
    expected = source.folded.predict(self._images, verbose=0)
    formats.export(name, source, self._folder, self._images, expected)
    path = os.path.join(self._folder, formats.FORMATS[name].file_name)
    with open(path, 'rb') as file:
      found = sign_places.find(file.read(), source.model)
    return (
        found.places.astype('<u4').tobytes()
        + found.masks.tobytes()
        + found.content
    )
