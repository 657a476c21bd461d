"""TFF types and values as flat lists of tensors.

A struct is its elements in order, a tensor is itself, a sequence is the variant
tensor of its `tf.data.Dataset`.
"""

from typing import Iterator, List, Optional, Tuple, TypeVar, Union

import tensorflow as tf
import tensorflow_federated as tff

_Item = TypeVar('_Item')
LeafType = Union[tff.TensorType, tff.SequenceType]


def iterate_leaves(
    type_spec: Optional[tff.Type], path: str = ''
) -> Iterator[Tuple[str, LeafType]]:
  """Yields `(path, type)` for each tensor and sequence in an unplaced type.

  Args:
    type_spec: The type; None has no leaves.
    path: What the paths start with.

  Raises:
    NotImplementedError: If there is anything but structs, tensors, sequences.
  """
  if type_spec is None:
    return
  if isinstance(type_spec, tff.StructType):
    for index, (name, element) in enumerate(
        tff.structure.iter_elements(type_spec)
    ):
      step = f'[{index}]' if name is None else f'.{name}'
      yield from iterate_leaves(element, path + step)
  elif isinstance(type_spec, (tff.TensorType, tff.SequenceType)):
    yield path, type_spec
  else:
    raise NotImplementedError(f'Values of type {type_spec}.')


def tensor_spec(leaf_type: LeafType) -> tf.TensorSpec:
  """Returns the spec of the tensor that stands for a leaf."""
  if isinstance(leaf_type, tff.SequenceType):
    return tf.TensorSpec([], tf.variant)
  return tf.TensorSpec(leaf_type.shape, leaf_type.dtype)


def tensor_specs(type_spec: Optional[tff.Type]) -> List[tf.TensorSpec]:
  """Returns the specs of the tensors that stand for an unplaced value."""
  return [tensor_spec(leaf) for _, leaf in iterate_leaves(type_spec)]


def take(type_spec: tff.Type, items: Iterator[_Item]) -> Tuple[_Item, ...]:
  """Takes one item for each leaf of an unplaced type from an iterator."""
  return tuple(next(items) for _ in iterate_leaves(type_spec))
