"""The ticket: one small file that rebuilds a trained model exactly.

It holds what cannot be drawn again: the signs, (unless the mask is redrawn from
the seed) the mask, and how often a client has each class if it is that client's
own model. Everything else follows from the seed.
"""

import os
import stat
from typing import Mapping

import numpy as np
import tensorflow as tf

from tff_hidenseek import files
from tff_hidenseek.layers import class_prior
from tff_hidenseek.layers import sign_masked
from tff_hidenseek.models import layer_sets
from tff_hidenseek.models import seeded_network
from tff_hidenseek.ticket import description as description_lib
from tff_hidenseek.ticket import mask_coding
from tff_hidenseek.ticket import sealed_tensors
from tff_hidenseek.ticket import sign_coding

TICKET_MASKS = ('embedded', 'seed')
_MAX_FILE_BYTES = 1 << 26
_MAX_WEIGHTS = 1 << 25

TicketError = sealed_tensors.TicketError


def make_ticket(
    model: tf.keras.Model,
    architecture: description_lib.Architecture,
    options: seeded_network.NetworkOptions,
    ticket_mask: str = 'embedded',
) -> bytes:
  """Makes the ticket of a model, and proves that it rebuilds the model.

  Args:
    model: A trained model of sign-masked layers.
    architecture: What the model is.
    options: How its kernels were drawn and pruned.
    ticket_mask: 'embedded', or 'seed': the mask is redrawn when the ticket is
      loaded, which takes as long as pruning did.

  Returns:
    The bytes of the file.

  Raises:
    ValueError: If the model's frozen weights are not those of the seed.
  """
  if ticket_mask not in TICKET_MASKS:
    raise ValueError(
        f'`ticket_mask` must be one of {", ".join(TICKET_MASKS)}, found '
        f'{ticket_mask!r}.'
    )
  layers = _sign_masked_layers(model)
  if list(layers) != list(architecture.kernel_shapes()):
    raise ValueError(
        '`model` must have the sign-masked layers '
        f'{", ".join(architecture.kernel_shapes())}, found '
        f'{", ".join(layers) or "none"}.'
    )
  masks = {name: layer.mask.numpy() for name, layer in layers.items()}
  signs = {name: layer.scores.numpy() >= 0 for name, layer in layers.items()}
  sign_code, coded_signs = sign_coding.encode_signs(
      signs, _draw_initial_scores(masks, options.seed)
  )
  tensors = {
      'scales': _scales(layers, options),
      'mask_sha256': seeded_network.hash_masks(masks),
      'signs': np.frombuffer(coded_signs, np.uint8),
  }
  mask_code = 'seed'
  if ticket_mask == 'embedded':
    mask_code, coded_masks = mask_coding.encode_masks(masks)
    tensors['masks'] = np.frombuffer(coded_masks, np.uint8)
  if isinstance(model.layers[-1], class_prior.ClassPrior):
    tensors['log_prior'] = model.layers[-1].log_prior.numpy()
  description = description_lib.Description(
      architecture, options, mask_code, sign_code
  )
  data = sealed_tensors.pack(
      sealed_tensors.SealedTensors(description.to_metadata(), tensors)
  )
  rebuilt = _sign_masked_layers(parse_ticket(data))
  for name, layer in layers.items():
    if not np.array_equal(rebuilt[name].kernel, layer.kernel):
      raise ValueError(
          f'`model` must have the kernels of seed {options.seed}, found others '
          f'in layer {name!r}.'
      )
  return data


def save_ticket(
    path: str,
    model: tf.keras.Model,
    architecture: description_lib.Architecture,
    options: seeded_network.NetworkOptions,
    ticket_mask: str = 'embedded',
) -> None:
  """Writes the ticket of a model; see `make_ticket`."""
  files.write_atomically(
      path, make_ticket(model, architecture, options, ticket_mask)
  )


def load_ticket(path: str, max_weights: int = _MAX_WEIGHTS) -> tf.keras.Model:
  """Rebuilds a trained model from its ticket.

  A file from a stranger is safe to load: nothing in it is executed, and its
  sizes are checked before memory is taken.

  Args:
    path: The file.
    max_weights: How many weights, kept or not, the model may have.

  Returns:
    A model of sign-masked layers. Its scores are +1 and -1: only their signs
    are in the ticket.

  Raises:
    TicketError: If the file is not a whole and valid ticket.
  """
  if not stat.S_ISREG(os.stat(path).st_mode):
    raise TicketError(f'`path` must be a regular file, found {path}.')
  with open(path, 'rb') as ticket_file:
    data = ticket_file.read(_MAX_FILE_BYTES + 1)
  if len(data) > _MAX_FILE_BYTES:
    raise TicketError(f'A ticket must have at most {_MAX_FILE_BYTES} bytes.')
  return parse_ticket(data, max_weights)


def parse_ticket(
    data: bytes, max_weights: int = _MAX_WEIGHTS
) -> tf.keras.Model:
  """Rebuilds a model from the bytes of a ticket; see `load_ticket`."""
  content = sealed_tensors.unpack(data)
  description = description_lib.parse(
      content.metadata,
      tuple(mask_coding.MASK_DECODERS),
      tuple(sign_coding.SIGN_DECODERS),
      max_weights,
  )
  options = description.options
  _check_tensors(content.tensors, description)
  kernels = seeded_network.draw_kernels(
      description.architecture.kernel_shapes(), options
  )
  masks = _read_masks(content.tensors, description, kernels)
  if not np.array_equal(
      seeded_network.hash_masks(masks), content.tensors['mask_sha256']
  ):
    raise TicketError(
        'The mask is not the one that was trained'
        + (
            ': this machine draws another from the seed. Use a ticket with its '
            'mask embedded.'
            if description.mask_code == 'seed'
            else '.'
        )
    )
  initial_scores = _draw_initial_scores(masks, options.seed)
  try:
    signs = sign_coding.decode_signs(
        description.sign_code,
        content.tensors['signs'].tobytes(),
        initial_scores,
    )
  except ValueError as error:
    raise TicketError(f'The signs cannot be read: {error}') from error
  weights = _kept_weights(kernels, masks, options, content.tensors['scales'])
  return _build(
      description.architecture,
      masks,
      weights,
      signs,
      content.tensors.get('log_prior'),
  )


def _check_tensors(tensors, description):
  expected = {'scales': np.float32, 'mask_sha256': np.uint8, 'signs': np.uint8}
  if description.mask_code != 'seed':
    expected['masks'] = np.uint8
  log_prior = tensors.get('log_prior')
  if log_prior is not None:
    expected['log_prior'] = np.float32
  found = {name: tensor.dtype.type for name, tensor in tensors.items()}
  if found != expected:
    raise TicketError(
        f'The arrays must be {", ".join(expected)}, found '
        f'{", ".join(found) or "none"}.'
    )
  is_ternary = description.options.kernel_distribution == 'ternary'
  num_scales = len(description.architecture.kernel_shapes()) * is_ternary
  scales = tensors['scales']
  if scales.size != num_scales or not np.all(
      np.isfinite(scales) & (scales > 0)
  ):
    raise TicketError(f'`scales` must be {num_scales} positive numbers.')
  num_classes = description.architecture.num_classes
  if log_prior is not None and (
      log_prior.size != num_classes
      or not np.all(np.isfinite(log_prior) & (log_prior <= 0))
  ):
    raise TicketError(
        f'`log_prior` must be {num_classes} numbers that are at most 0.'
    )


def _read_masks(tensors, description, kernels) -> Mapping[str, np.ndarray]:
  """Decodes or redraws the masks; every layer keeps a weight."""
  try:
    if description.mask_code == 'seed':
      return seeded_network.draw_masks(
          description.architecture.build, kernels, description.options
      )
    masks = mask_coding.decode_masks(
        description.mask_code,
        tensors['masks'].tobytes(),
        description.architecture.kernel_shapes(),
    )
  except ValueError as error:
    raise TicketError(f'The mask cannot be read: {error}') from error
  for name, mask in masks.items():
    if not mask.any():
      raise TicketError(f'The mask must keep a weight of layer {name!r}.')
  return masks


def _kept_weights(kernels, masks, options, scales):
  """Returns the frozen weights; ternary ones from the scales of the ticket."""
  if options.kernel_distribution != 'ternary':
    return seeded_network.draw_kept_weights(kernels, masks, options)
  return {
      name: scale * np.sign(kernel[masks[name]]).astype(np.float32)
      for scale, (name, kernel) in zip(scales, kernels.items())
  }


def _build(
    architecture, masks, weights, signs, log_prior
) -> tf.keras.Model:
  num_kept = {name: np.count_nonzero(mask) for name, mask in masks.items()}
  model = architecture.build(layer_sets.SignMaskedLayers(num_kept))
  for name, layer in _sign_masked_layers(model).items():
    layer.set_frozen(
        np.flatnonzero(masks[name]).astype(np.int32),
        weights[name],
        np.where(signs[name], 1, -1).astype(np.float32),
    )
  if log_prior is None:
    return model
  personal = class_prior.append_class_prior(model)
  personal.layers[-1].log_prior.assign(log_prior)
  return personal


def _draw_initial_scores(masks, seed):
  num_kept = {name: np.count_nonzero(mask) for name, mask in masks.items()}
  return seeded_network.draw_initial_scores(num_kept, seed)


def _scales(layers, options) -> np.ndarray:
  """Returns each layer's magnitude, or nothing for Gaussian kernels."""
  if options.kernel_distribution != 'ternary':
    return np.zeros([0], np.float32)
  return np.array(
      [np.abs(layer.kept_weights[0]) for layer in layers.values()], np.float32
  )


def _sign_masked_layers(
    model: tf.keras.Model,
) -> Mapping[str, sign_masked.SignMaskedLayer]:
  return {
      layer.name: layer
      for layer in model.layers
      if isinstance(layer, sign_masked.SignMaskedLayer)
  }
