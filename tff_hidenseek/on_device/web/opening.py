"""The pages of a federation of HideNseek, from what its folder has."""

import os
from typing import Callable, Sequence

import numpy as np
import tensorflow as tf

from tff_hidenseek.export import formats
from tff_hidenseek.on_device import federation as federation_lib
from tff_hidenseek.on_device import learner as learner_lib
from tff_hidenseek.on_device.web import global_accuracy
from tff_hidenseek.on_device.web import own_files
from tff_hidenseek.on_device.web import shards as shards_lib
from tff_hidenseek.on_device.web import site as site_lib
from tff_hidenseek.on_device.web import watch as watch_lib

_WATCH_FILE = 'web_rounds.json'
_SHARDS_FILE = 'web_shards.journal'
_OWN_FILES_FOLDER = 'web_export'


def open_watch(
    folder: str,
    learner: learner_lib.HideNseekLearner,
    model: bytes,
    x: np.ndarray,
    y: np.ndarray,
) -> watch_lib.Watch:
  """Opens what onlookers may know of the rounds in a folder.

  Args:
    folder: An existing folder, of this program alone.
    learner: What learns.
    model: The trainable TFLite file.
    x: Test images, float32[n, height, width, channels].
    y: Their labels, int[n].
  """
  return watch_lib.Watch(
      os.path.join(folder, _WATCH_FILE),
      learner.global_votes,
      global_accuracy.make_evaluate(model, x, y),
  )


def open_site(
    folder: str,
    watch: watch_lib.Watch,
    devices: federation_lib.Federation,
    learner: learner_lib.HideNseekLearner,
    read_shard: shards_lib.ReadShard,
    shard_indices: Sequence[int],
    make_source: Callable[[tf.keras.Model], formats.Source],
    gate_images: np.ndarray,
) -> site_lib.Site:
  """Opens the pages of a federation.

  Args:
    folder: An existing folder, of this program alone.
    watch: What onlookers may know, of the same folder.
    devices: The federation.
    learner: What learns.
    read_shard: Reads the examples of a client.
    shard_indices: Which clients' examples pages are given.
    make_source: Returns what the global model is exported from.
    gate_images: Those on which exported files are compared with Keras.

  Raises:
    FileNotFoundError: If the files of LiteRT.js are not there.
  """
  return site_lib.Site(
      watch,
      shards_lib.Shards(
          os.path.join(folder, _SHARDS_FILE), shard_indices, read_shard
      ),
      devices,
      learner.first_layer(),
      own_files.OwnFiles(
          os.path.join(folder, _OWN_FILES_FOLDER),
          lambda: make_source(learner.build_global_model()),
          gate_images,
          learner.global_votes,
      ),
  )
