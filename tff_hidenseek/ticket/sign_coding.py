"""Signs in few bytes: as they are, or as flips of the seeded start.

Training flips few signs, and mostly those whose score started near zero: each
layer's flips are coded with the frequency they have among scores that started
about as large.
"""

from typing import Dict, List, Mapping, Tuple

import numpy as np

from tff_hidenseek.ticket import entropy_coding

# Classes of equal width, by the magnitude of the initial score.
_NUM_CLASSES = 8
_FREQUENCIES = 256


def encode_signs(
    signs: Mapping[str, np.ndarray], initial_scores: Mapping[str, np.ndarray]
) -> Tuple[str, bytes]:
  """Encodes the signs of a model.

  Args:
    signs: Whether a sign is +1; a bool array for each layer.
    initial_scores: What the scores were before training; float32 arrays in
      [-1, 1] of the same lengths.

  Returns:
    The name of the code in `SIGN_DECODERS`, and the bytes.
  """
  bits = np.concatenate(list(signs.values()))
  candidates = [
      ('flips', _encode_flips(signs, initial_scores)),
      ('plain', np.packbits(bits, bitorder='little').tobytes()),
  ]
  return min(candidates, key=lambda candidate: len(candidate[1]))


def _encode_flips(signs, initial_scores):
  frequencies = np.zeros([len(signs), _NUM_CLASSES], np.uint8)
  flips = []
  for layer, (name, layer_signs) in enumerate(signs.items()):
    scores = initial_scores[name]
    flips.append(layer_signs != (scores >= 0))
    classes = _classes(scores)
    for index in np.unique(classes):
      share = flips[-1][classes == index].mean()
      frequencies[layer, index] = min(share * _FREQUENCIES, _FREQUENCIES - 1)
  encoder = entropy_coding.BitEncoder()
  probabilities = _probabilities(frequencies, initial_scores.values())
  encoder.encode(np.concatenate(flips), probabilities)
  return frequencies.tobytes() + encoder.to_bytes()


def _decode_flips(data, initial_scores):
  scores = list(initial_scores.values())
  header_bytes = len(scores) * _NUM_CLASSES
  if len(data) < header_bytes:
    raise ValueError(
        f'The flips must begin with {header_bytes} frequencies, found '
        f'{len(data)}.'
    )
  frequencies = np.frombuffer(data[:header_bytes], np.uint8)
  decoder = entropy_coding.BitDecoder(data[header_bytes:])
  flips = decoder.decode(
      _probabilities(frequencies.reshape(-1, _NUM_CLASSES), scores)
  )
  decoder.check_end()
  return (np.concatenate(scores) >= 0) != flips


def _classes(scores):
  return np.minimum(np.abs(scores) * _NUM_CLASSES, _NUM_CLASSES - 1).astype(int)


def _probabilities(frequencies, initial_scores):
  parts: List[np.ndarray] = [
      (row[_classes(scores)] + 0.5) / _FREQUENCIES
      for row, scores in zip(frequencies, initial_scores)
  ]
  return np.concatenate(parts)


def _decode_plain(data, initial_scores):
  num_signs = sum(scores.size for scores in initial_scores.values())
  bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder='little')
  if len(data) != -(-num_signs // 8) or bits[num_signs:].any():
    raise ValueError(
        f'The signs must be {num_signs} bits and zeros to a whole byte, found '
        f'{len(data)} bytes.'
    )
  return bits[:num_signs].astype(bool)


SIGN_DECODERS = {'flips': _decode_flips, 'plain': _decode_plain}


def decode_signs(
    code: str, data: bytes, initial_scores: Mapping[str, np.ndarray]
) -> Dict[str, np.ndarray]:
  """Undoes `encode_signs`.

  Args:
    code: A name in `SIGN_DECODERS`.
    data: The bytes.
    initial_scores: As given to `encode_signs`.

  Returns:
    Whether a sign is +1; a bool array for each layer.

  Raises:
    ValueError: If the bytes are not that many signs.
  """
  signs = SIGN_DECODERS[code](data, initial_scores)
  bounds = np.cumsum([scores.size for scores in initial_scores.values()])
  return dict(zip(initial_scores, np.split(signs, bounds[:-1])))
