"""The .npz files that are tried: good ones, odd ones and damaged ones."""

import io
import zipfile

from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st
import numpy as np

from tests.fuzz import inputs

_METHODS = (
    zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2,
    zipfile.ZIP_LZMA,
)
_HEADERS = (
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }",
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (4L,), }",
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }",
    b"{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }",
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }",
    b"{'descr': '|u1', 'fortran_order': False, 'shape': "
    b"(4294967296, 4294967296), }",
    b"{'descr': '|u1', 'fortran_order': False, 'shape': (True,), }",
    b"{'descr': '|u1', 'fortran_order': 1, 'shape': 4, }",
    b"{'descr': '|u0', 'fortran_order': False, 'shape': (4,), }",
    b"{'descr': '(2,2)i4', 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': [('a', 'i4')], 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': 'f4,(', 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': '', 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': None, 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': {}, 'fortran_order': False, 'shape': (1,), }",
    b"{'descr': '|u1'", b"{'shape': (1,)}", b"('''", b'(' * 300, b'\xff\xfe',
    b'', b'4', b'a', b'{1: 2}', b'[] * 3', b"{'descr': 'M8[ns]', "
    b"'fortran_order': False, 'shape': (1,), }",
)


# What was unpickled.
UNPICKLED = []


class Trap:
  """An object whose unpickling leaves a trace."""

  def __reduce__(self):
    return (_spring, ())


def _spring():
  UNPICKLED.append('a trap')


def _as_objects(array):
  objects = np.empty(array.shape, object)
  objects[...] = Trap()
  return objects


def _overflowing(array):
  """Returns numbers whose sum is the same only because it overflows."""
  array = array.astype(np.uint64)
  array.flat[:2] += np.uint64(2**63)
  return array


def odd_arrays() -> st.SearchStrategy:
  """Returns the strategy of small arrays of any type and shape."""
  dtypes = st.one_of(
      np_st.integer_dtypes(), np_st.unsigned_integer_dtypes(),
      np_st.floating_dtypes(), np_st.boolean_dtypes(),
      np_st.complex_number_dtypes(), np_st.unicode_string_dtypes(max_len=3),
      np_st.byte_string_dtypes(max_len=3),
  )
  shapes = np_st.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
  return np_st.arrays(dtypes, shapes)


def _changes(array):
  """Returns the strategy of what can befall one array."""
  kept = np.asarray(array)
  numeric = np.issubdtype(kept.dtype, np.integer) and kept.size > 1
  changed = [kept[np.newaxis], _as_objects(kept)]
  if numeric:
    changed += [
        kept[..., np.newaxis], kept[:-1], kept[:0], kept.T,
        np.asfortranarray(kept), kept.astype('f8'),
        np.minimum(kept, 9).astype('f2'),
        kept.astype('>f4') / 2, kept.astype('i1'), kept.astype('u8'),
        kept.astype(bool), kept.astype('c8'), kept.astype('U3'),
        kept.astype('f4') / 255, kept.astype('g') / 300, np.float64(1),
        np.concatenate([kept, kept]), _overflowing(kept),
    ]
  numbers = st.sampled_from([
      -1, 1, 2, 255, 256, 1e9, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1,
      np.nan, np.inf, -np.inf, -0.0, 1e-320, 1 + 1e-9, 1 + 1e-7,
  ])

  def place(number):
    dtype = np.min_scalar_type(number)
    if not numeric:
      return np.full(kept.shape, number, dtype)
    filled = kept.astype(np.promote_types(dtype, np.uint8))
    filled.flat[:1] = number
    return filled

  return st.one_of(
      st.sampled_from(changed), numbers.map(place), odd_arrays()
  )


def _archive(arrays, method, headers, extra):
  """Returns the bytes of a .npz file."""
  content = io.BytesIO()
  with zipfile.ZipFile(content, 'w', method) as archive:
    for name, array in arrays.items():
      member = io.BytesIO()
      np.lib.format.write_array(member, np.asarray(array))
      data = member.getvalue()
      if name in headers:
        header = headers[name]
        data = (
            b'\x93NUMPY\x01\x00' + len(header).to_bytes(2, 'little') + header +
            b'\x00\x01\x00\x01'
        )
      archive.writestr(f'{name}.npy', data)
    for name in extra:
      archive.writestr(name, b'x')
  return content.getvalue()


@st.composite
def npz_contents(draw, arrays) -> bytes:
  """Draws the bytes of a file that holds arrays, or once did.

  Args:
    draw: Hypothesis's.
    arrays: The good arrays by name.
  """
  arrays = dict(arrays)
  names = st.sampled_from(sorted(arrays))
  for name in draw(st.lists(names, max_size=2)):
    arrays[name] = draw(_changes(arrays[name]))
  headers = {}
  kind = draw(st.integers(0, 9))
  if kind == 0:
    del arrays[draw(names)]
  elif kind == 1:
    arrays[draw(st.text(min_size=1, max_size=5))] = np.zeros(2)
  elif kind == 2:
    headers[draw(names)] = draw(
        st.one_of(st.sampled_from(_HEADERS), st.binary(max_size=40)))
  extra = draw(st.lists(
      st.sampled_from(['a.txt', 'x_train', '../x.npy', 'y_train.npy/']),
      max_size=1))
  content = _archive(arrays, draw(st.sampled_from(_METHODS)), headers, extra)
  return draw(inputs.mutated(content)) if kind >= 8 else content
