"""A federation with pages in a thread of a test, of an untrained net."""

import asyncio
import contextlib
import functools
import os

import numpy as np

from tests.export import trained_models
from tests.on_device import counting_federation
from tff_hidenseek.export import formats
from tff_hidenseek.export import trainable
from tff_hidenseek.layers import sign_masked
from tff_hidenseek.on_device import federation as federation_lib
from tff_hidenseek.on_device.web import global_accuracy
from tff_hidenseek.on_device.web import own_files
from tff_hidenseek.on_device.web import shards as shards_lib
from tff_hidenseek.on_device.web import site as site_lib
from tff_hidenseek.on_device.web import watch as watch_lib

BATCH_SIZE = 16
EXPORT_FOLDER = 'export'
_NUM_EXAMPLES = 64
_DENSITY = 0.1
_ARCHITECTURE = trained_models.make_architecture('cnn', (8, 8, 1))


@functools.lru_cache(maxsize=None)
def make_model():
  """Returns a trainable file, its number of votes, and its first layer."""
  model = trained_models.build_untrained(
      _ARCHITECTURE, trained_models.make_options(density=_DENSITY)
  )
  layers = [
      layer
      for layer in model.layers
      if isinstance(layer, sign_masked.SignMaskedLayer)
  ]
  return (
      trainable.convert_trainable(model, BATCH_SIZE),
      sum(layer.num_kept for layer in layers),
      dict(
          shape=list(layers[0].kernel.shape),
          kept=layers[0].kept_positions.numpy().tolist(),
      ),
  )


class LastVotes:
  """A learner whose tally is the mean of the last round's votes."""

  def __init__(self, num_votes):
    self.is_plus = np.zeros(num_votes, bool)

  def message(self):
    levels = np.where(self.is_plus, 15, 0).astype(np.uint8)
    levels = np.append(levels, np.zeros(len(levels) % 2, np.uint8))
    return (levels[::2] + 16 * levels[1::2]).tobytes()

  def global_votes(self):
    return np.packbits(self.is_plus, bitorder='little').tobytes()

  def learn(self, num_ones, num_clients):
    self.is_plus = 2 * num_ones >= num_clients

  def to_bytes(self):
    return self.is_plus.tobytes()

  def restore(self, content):
    self.is_plus = np.frombuffer(content, bool)


def build_exported_model():
  """Returns the net after training, which is exported whatever was voted."""
  return trained_models.train_on_digits('cnn', density=_DENSITY)


def _make_source(data):
  return formats.Source(
      model=build_exported_model(),
      calibration_images=data.train_x[:200],
      architecture=_ARCHITECTURE,
      network_options=None,
      ticket_mask='embedded',
      batch_size=BATCH_SIZE,
      description={'class_names': list('0123456789')},
  )


class ServedPage:
  """A federation, whose server lives as long as the block.

  Attributes:
    folder: Its files.
    port: Where it listens.
    url: Its address.
    link: The page's address, with the token.
  """

  def __init__(self, folder, **settings):
    model, num_votes, first_layer = make_model()
    data = trained_models.load_digits()
    learner = LastVotes(num_votes)
    watch = watch_lib.Watch(
        os.path.join(folder, 'rounds.json'),
        learner.global_votes,
        global_accuracy.make_evaluate(
            model, data.test_x[:_NUM_EXAMPLES], data.test_y[:_NUM_EXAMPLES]
        ),
    )
    self.folder = folder
    self._devices = federation_lib.Federation(
        folder,
        learner,
        num_votes,
        model,
        counting_federation.make_settings(**settings),
        watch.add,
    )
    shards = shards_lib.Shards(
        os.path.join(folder, 'shards'),
        (0,),
        lambda i: (data.train_x[:_NUM_EXAMPLES], data.train_y[:_NUM_EXAMPLES]),
    )
    self._site = site_lib.Site(
        watch,
        shards,
        self._devices,
        first_layer,
        own_files.OwnFiles(
            os.path.join(folder, EXPORT_FOLDER),
            lambda: _make_source(data),
            data.test_x,
            learner.global_votes,
        ),
    )

  @contextlib.asynccontextmanager
  async def serve(self, port: int = 0):
    """Serves it, in this loop, at a free port if none is given."""
    async with self._devices.serve('127.0.0.1', port, None, self._site) as port:
      self.port = port
      self.url = f'http://127.0.0.1:{port}'
      self.link = f'{self.url}/#{counting_federation.TOKEN.replace(" ", "%20")}'
      yield self
    await asyncio.wait_for(self._site.close(), 20)
    self._devices.close()
