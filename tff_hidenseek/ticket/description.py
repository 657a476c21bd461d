"""What a ticket says about its model: strings, and the rules they must keep."""

import functools
import math
import re
from typing import Dict, Mapping, Tuple

import attrs
import tensorflow as tf

from tff_hidenseek.models import architectures
from tff_hidenseek.models import kernel_shapes
from tff_hidenseek.models import layer_sets
from tff_hidenseek.models import seeded_network
from tff_hidenseek.pruning import masks as masks_lib
from tff_hidenseek.ticket import sealed_tensors

_FORMAT = 'tff_hidenseek.ticket'
_VERSION = '2'
_INTEGER = re.compile('[0-9]{1,10}')
_DECIMAL = re.compile('[0-9]{1,10}([.][0-9]{1,20})?(e-?[0-9]{1,2})?')
_MAX_SIDE = 1 << 16
_MAX_CLASSES = 1 << 16
_MAX_SEED = 2**31 - 1
# Redrawing a mask runs the model: bounds on its memory and its time.
_MAX_REDRAWN_PIXELS = 1 << 16
_MAX_REDRAWN_WORK = 1 << 32

TicketError = sealed_tensors.TicketError


@attrs.frozen
class Architecture:
  """A model without its weights.

  Attributes:
    model: A name in `models.architectures.MODELS`.
    input_shape: Height, width and channels of an image.
    num_classes: How many logits the model gives.
  """

  model: str
  input_shape: Tuple[int, int, int]
  num_classes: int

  def build(self, layer_set: layer_sets.LayerSet) -> tf.keras.Model:
    """Builds the model from the layers it is given."""
    return architectures.MODELS[self.model](
        self.input_shape, self.num_classes, layer_set
    )

  # Building costs more than all else in a ticket; there are few architectures.
  @functools.lru_cache()  # noqa: B019
  def kernel_shapes(self) -> Dict[str, Tuple[int, ...]]:
    """Returns the shapes of the kernels without making them."""
    return kernel_shapes.kernel_shapes(self.build)


@attrs.frozen
class Description:
  """All that a ticket says in words.

  Attributes:
    architecture: The model.
    options: How its kernels were drawn and pruned.
    mask_code: 'seed' if the mask is redrawn, or a name in
      `mask_coding.MASK_DECODERS`.
    sign_code: A name in `sign_coding.SIGN_DECODERS`.
  """

  architecture: Architecture
  options: seeded_network.NetworkOptions
  mask_code: str
  sign_code: str

  def to_metadata(self) -> Dict[str, str]:
    """Returns the description as strings by name."""
    shape = ','.join(str(side) for side in self.architecture.input_shape)
    return {
        'format': _FORMAT,
        'version': _VERSION,
        'model': self.architecture.model,
        'input_shape': shape,
        'num_classes': str(self.architecture.num_classes),
        'mask_code': self.mask_code,
        'sign_code': self.sign_code,
        **{k: str(v) for k, v in attrs.asdict(self.options).items()},
    }


def parse(
    metadata: Mapping[str, str],
    mask_codes: Tuple[str, ...],
    sign_codes: Tuple[str, ...],
    max_weights: int,
) -> Description:
  """Reads a description that may say anything.

  Args:
    metadata: Strings by name.
    mask_codes: The codes of masks that are known.
    sign_codes: The codes of signs that are known.
    max_weights: How many weights, kept or not, the model may have.

  Returns:
    The description; to build its model is safe.

  Raises:
    TicketError: If a rule is broken, or the model is too large.
  """
  for name, expected in (('format', _FORMAT), ('version', _VERSION)):
    if metadata.get(name) != expected:
      raise TicketError(
          f'`{name}` must be {expected!r}, found {metadata.get(name)!r}.'
      )
  fields = [
      *('format', 'version', 'model', 'input_shape', 'num_classes'),
      *('mask_code', 'sign_code'),
      *(field.name for field in attrs.fields(seeded_network.NetworkOptions)),
  ]
  if set(metadata) != set(fields):
    raise TicketError(
        f'The metadata must be {", ".join(fields)}, found '
        f'{", ".join(sorted(metadata)) or "nothing"}.'
    )
  shape = metadata['input_shape'].split(',')
  if len(shape) != 3:
    raise TicketError(
        '`input_shape` must be three integers, found '
        f'{metadata["input_shape"]!r}.'
    )
  architecture = Architecture(
      model=_choice(metadata, 'model', architectures.MODELS),
      input_shape=tuple(
          _integer({'input_shape': side}, 'input_shape', 1, _MAX_SIDE)
          for side in shape
      ),
      num_classes=_integer(metadata, 'num_classes', 1, _MAX_CLASSES),
  )
  options = seeded_network.NetworkOptions(
      seed=_integer(metadata, 'seed', 0, _MAX_SEED),
      density=_decimal(metadata, 'density', 1.0),
      pruning=_choice(metadata, 'pruning', masks_lib.MASK_FNS),
      pruning_iterations=_integer(
          metadata, 'pruning_iterations', 1, _MAX_REDRAWN_WORK
      ),
      kernel_distribution=_choice(
          metadata, 'kernel_distribution', ('ternary', 'gaussian')
      ),
      kernel_gain=_decimal(metadata, 'kernel_gain', 1e6),
  )
  description = Description(
      architecture=architecture,
      options=options,
      mask_code=_choice(metadata, 'mask_code', ('seed', *mask_codes)),
      sign_code=_choice(metadata, 'sign_code', sign_codes),
  )
  _check_size(description, max_weights)
  return description


def _check_size(description, max_weights):
  try:
    shapes = description.architecture.kernel_shapes()
  except ValueError as error:  # Images too small for the model.
    raise TicketError(f'The model cannot be built: {error}') from error
  num_weights = sum(math.prod(shape) for shape in shapes.values())
  if num_weights > max_weights:
    raise TicketError(
        f'The model must have at most {max_weights} weights, found '
        f'{num_weights}. Load it with a greater `max_weights` if you trust it.'
    )
  if description.mask_code != 'seed':
    return
  height, width, _ = description.architecture.input_shape
  iterations = description.options.pruning_iterations
  if (
      height * width > _MAX_REDRAWN_PIXELS
      or num_weights * iterations > _MAX_REDRAWN_WORK
  ):
    raise TicketError(
        'Redrawing the mask must take at most '
        f'{_MAX_REDRAWN_PIXELS} pixels and {_MAX_REDRAWN_WORK} weights times '
        f'iterations, found {height * width} and {num_weights * iterations}.'
    )


def _choice(metadata, name, choices):
  if metadata[name] not in choices:
    raise TicketError(
        f'`{name}` must be one of {", ".join(choices)}, found '
        f'{metadata[name]!r}.'
    )
  return metadata[name]


def _integer(metadata, name, least, greatest):
  text = metadata[name]
  if not _INTEGER.fullmatch(text) or not least <= int(text) <= greatest:
    raise TicketError(
        f'`{name}` must be an integer in [{least}, {greatest}], found {text!r}.'
    )
  return int(text)


def _decimal(metadata, name, greatest):
  text = metadata[name]
  if not _DECIMAL.fullmatch(text) or not 0 < float(text) <= greatest:
    raise TicketError(
        f'`{name}` must be in (0, {greatest:g}], found {text!r}.'
    )
  return float(text)
