"""What a TFLite file says about itself: classes, images, the run it is of.

The writers of the standard metadata table (tflite-support) ended with Python
3.11. So the description is JSON in a metadata buffer with a name of its own,
which every reader of TFLite's schema finds, and the labels are a text file
appended as a zip archive, where the standard has associated files: `unzip`
lists it, and runtimes do not read beyond the tables.
"""

import io
import json
from typing import Any, Dict, List, Mapping
import zipfile

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

METADATA_NAME = 'tff_hidenseek'
LABELS_FILE = 'labels.txt'


def attach(content: bytes, description: Mapping[str, Any]) -> bytes:
  """Puts a description into a TFLite file.

  Args:
    content: The file.
    description: What JSON can hold; `class_names` are the labels.

  Returns:
    The file that also describes itself.
  """
  tables = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
  buffer = schema.BufferT()
  text = json.dumps(description, separators=(',', ':')).encode()
  buffer.data = np.frombuffer(text, np.uint8)
  tables.buffers.append(buffer)
  entry = schema.MetadataT()
  entry.name = METADATA_NAME
  entry.buffer = len(tables.buffers) - 1
  tables.metadata = [*(tables.metadata or []), entry]
  output = io.BytesIO(flatbuffer_utils.convert_object_to_bytearray(tables))
  with zipfile.ZipFile(output, 'a', zipfile.ZIP_DEFLATED) as archive:
    # ZipInfo has a fixed date: the same model gives the same bytes.
    archive.writestr(
        zipfile.ZipInfo(LABELS_FILE),
        ''.join(f'{name}\n' for name in description['class_names']),
    )
  return output.getvalue()


def read(content: bytes) -> Dict[str, Any]:
  """Returns the description in a TFLite file; raises KeyError without one."""
  tables = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
  for entry in tables.metadata or []:
    if entry.name.decode() == METADATA_NAME:
      return json.loads(bytes(tables.buffers[entry.buffer].data))
  raise KeyError(METADATA_NAME)


def read_labels(content: bytes) -> List[str]:
  """Returns the class names of the associated file."""
  with zipfile.ZipFile(io.BytesIO(content)) as archive:
    return archive.read(LABELS_FILE).decode().splitlines()
