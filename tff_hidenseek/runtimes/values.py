"""Python values of TFF types to and from flat lists of tensors."""

import collections.abc
import itertools
from typing import Any, Callable, Iterator, List, Sequence

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import type_leaves

Converter = Callable[[object], List[tf.Tensor]]
# Appends the tensors of a value to a list.
_Extender = Callable[[Any, List[tf.Tensor]], None]


def build_converter(type_spec: tff.Type, name: str) -> Converter:
  """Builds the function that turns values of one type into tensors.

  Tensors of the right type are passed on as they are.

  Args:
    type_spec: An unplaced type.
    name: What errors call the value.

  Returns:
    A function from a value to one tensor for each leaf of `type_spec`. It
    raises `TypeError` on a value of another structure, dtype or shape.
  """
  extend = _build_extender(type_spec, name)

  def convert(value: object) -> List[tf.Tensor]:
    tensors: List[tf.Tensor] = []
    extend(value, tensors)
    return tensors

  return convert


def _build_extender(type_spec: tff.Type, path: str) -> _Extender:
  """Builds a function that appends the tensors of a value to a list."""
  if isinstance(type_spec, tff.StructType):
    return _build_struct_extender(type_spec, path)
  if isinstance(type_spec, tff.SequenceType):
    return _build_sequence_extender(type_spec, path)
  if isinstance(type_spec, tff.TensorType):
    return _build_tensor_extender(type_spec, path)
  raise NotImplementedError(f'Values of type {type_spec}.')


def _build_struct_extender(
    type_spec: tff.StructType, path: str
) -> _Extender:
  elements = tff.structure.to_elements(type_spec)
  extenders = [
      _build_extender(
          element, f'{path}[{index}]' if key is None else f'{path}.{key}'
      )
      for index, (key, element) in enumerate(elements)
  ]

  def extend(value: Any, tensors: List[tf.Tensor]) -> None:
    items = struct_items(value, type_spec, path)
    for extender, item in zip(extenders, items):
      extender(item, tensors)

  return extend


def struct_items(
    value: Any, type_spec: tff.StructType, name: str
) -> Sequence[object]:
  """Returns the elements of a Python container in the order of a type.

  Args:
    value: A mapping, attrs object, named tuple, `tff.structure.Struct`, list or
      tuple.
    type_spec: The type.
    name: What the error calls the value.

  Raises:
    TypeError: If the container has other elements than `type_spec`.
  """
  keys = [key for key, _ in tff.structure.iter_elements(type_spec)]
  if isinstance(value, tff.structure.Struct):
    found = tff.structure.name_list_with_nones(value)
    if len(found) == len(keys) and all(
        f is None or f == key for f, key in zip(found, keys)
    ):
      return list(value)
  elif isinstance(value, collections.abc.Mapping):
    found = list(value)
    if len(found) == len(keys) and all(key in value for key in keys):
      return [value[key] for key in keys]
  elif attrs.has(type(value)):
    found = [field.name for field in attrs.fields(type(value))]
    if found == keys:
      return [getattr(value, key) for key in keys]
  elif hasattr(value, '_fields'):
    found = list(value._fields)
    if found == keys:
      return list(value)
  elif isinstance(value, (list, tuple)):
    found = [None] * len(value)
    if len(value) == len(keys):
      return value
  else:
    found = type(value).__name__
  raise TypeError(
      f'`{name}` must have the elements of {type_spec}, found {found}.'
  )


def _build_tensor_extender(
    type_spec: tff.TensorType, path: str
) -> _Extender:
  spec = type_leaves.tensor_spec(type_spec)
  dtype, shape = spec.dtype, spec.shape

  def extend(value: Any, tensors: List[tf.Tensor]) -> None:
    try:
      tensor = _to_tensor(value, dtype)
    except (TypeError, ValueError) as error:
      found = getattr(value, 'dtype', type(value).__name__)
      raise TypeError(
          f'`{path}` must be a tensor of type {type_spec}, found {found}.'
      ) from error
    if not shape.is_compatible_with(tensor.shape):
      raise TypeError(
          f'`{path}` must be a tensor of type {type_spec}, found shape'
          f' {tuple(tensor.shape)}.'
      )
    tensors.append(tensor)

  return extend


def _to_tensor(value: Any, dtype: tf.DType) -> tf.Tensor:
  """Returns `value` as a tensor; numbers of another type are no such value."""
  if not isinstance(value, tf.Tensor):
    if (
        isinstance(value, (np.ndarray, np.generic))
        and dtype != tf.string
        and value.dtype != dtype.as_numpy_dtype
    ):
      raise TypeError(value.dtype)
    return tf.convert_to_tensor(value, dtype)
  if value.dtype != dtype:
    raise TypeError(value.dtype)
  return value


def _build_sequence_extender(
    type_spec: tff.SequenceType, path: str
) -> _Extender:
  convert_element = build_converter(type_spec.element, f'{path}[]')
  specs = type_leaves.tensor_specs(type_spec.element)
  # TFF orders leaves as its type does; `tf.data` sorts the keys of a dict.
  structure = to_python(list(range(len(specs))), type_spec.element)
  order = tf.nest.flatten(structure)
  specs = [specs[index] for index in order]

  def extend(value: Any, tensors: List[tf.Tensor]) -> None:
    if isinstance(value, tf.data.Dataset):
      found = value.element_spec
      if not _has_specs(found, structure, specs):
        raise TypeError(
            f'`{path}` must be a dataset of type {type_spec}, found {found}.'
        )
      dataset = value
    elif isinstance(value, (list, tuple)):
      rows = [convert_element(element) for element in value]
      dataset = _stack([[row[index] for index in order] for row in rows], specs)
    else:
      raise TypeError(
          f'`{path}` must be a dataset or a list of type {type_spec}, found'
          f' {type(value).__name__}.'
      )
    tensors.append(tf.data.experimental.to_variant(dataset))

  return extend


def _has_specs(
    element_spec: Any, structure: object, specs: Sequence[tf.TensorSpec]
) -> bool:
  """Returns whether a dataset's elements are those of a type."""
  try:
    tf.nest.assert_same_structure(element_spec, structure, check_types=False)
  except (TypeError, ValueError):
    return False
  found = tf.nest.flatten(element_spec)
  return all(
      isinstance(f, tf.TensorSpec) and spec.is_compatible_with(f)
      for spec, f in zip(specs, found)
  )


def _stack(
    rows: Sequence[Sequence[tf.Tensor]], specs: Sequence[tf.TensorSpec]
) -> tf.data.Dataset:
  """Returns a dataset of rows of tensors; their shapes may differ."""
  if not rows:
    rows_of_none = [
        tf.zeros([0] + [size or 0 for size in spec.shape], spec.dtype)
        for spec in specs
    ]
    return tf.data.Dataset.from_tensor_slices(tuple(rows_of_none))
  groups = itertools.groupby(rows, lambda row: [t.shape for t in row])
  parts = [
      tf.data.Dataset.from_tensor_slices(tuple(map(tf.stack, zip(*group))))
      for _, group in groups
  ]
  for part in parts[1:]:
    parts[0] = parts[0].concatenate(part)
  return parts[0]


def to_python(values: Sequence[object], type_spec: tff.Type) -> object:
  """Packs one value for each leaf of an unplaced type in its containers."""
  return tff.types.type_to_py_container(
      _pack_struct(type_spec, iter(values)), type_spec
  )


def _pack_struct(type_spec: tff.Type, values: Iterator[object]) -> object:
  if isinstance(type_spec, tff.StructType):
    return tff.structure.Struct([
        (name, _pack_struct(element, values))
        for name, element in tff.structure.iter_elements(type_spec)
    ])
  return next(values)


def to_numpy(tensors: Sequence[tf.Tensor], type_spec: tff.Type) -> object:
  """Returns tensors as NumPy values in the containers of an unplaced type."""
  leaves = [leaf for _, leaf in type_leaves.iterate_leaves(type_spec)]
  return to_python(
      [
          _variant_to_list(tensor, leaf)
          if isinstance(leaf, tff.SequenceType)
          else tensor.numpy()
          for tensor, leaf in zip(tensors, leaves)
      ],
      type_spec,
  )


def _variant_to_list(
    variant: tf.Tensor, type_spec: tff.SequenceType
) -> List[object]:
  structure = to_python(
      type_leaves.tensor_specs(type_spec.element), type_spec.element
  )
  dataset = tf.data.experimental.from_variant(variant, structure)
  return list(dataset.as_numpy_iterator())
