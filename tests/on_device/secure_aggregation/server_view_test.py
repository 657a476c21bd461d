"""What the server of a masked round can know of a single client's votes.

The first test reads the whole memory of a server's process, freed parts of it
and its files too, and finds no client's votes there, where it finds them of a
server without masks. That shows that nobody sent them; it cannot show that they
could not be computed. The others compute what a server can: the masked votes
without the clients' own masks, whose seeds the clients told it. Those look
uniform, and fit other votes of the same sum as well.
"""

import os
import re

from absl.testing import absltest
import numpy as np

from tests.on_device import counting_federation
from tests.on_device import stepping_client
from tests.on_device.secure_aggregation import masked_rounds
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.secure_aggregation import keys
from tff_hidenseek.on_device.secure_aggregation import packed_integers
from tff_hidenseek.on_device.secure_aggregation import shamir

_K = 2048
_NUM_CLIENTS = 3


def _read_memory(pid):
  """Yields every readable part of a process's memory that may be written."""
  with open(f'/proc/{pid}/maps', encoding='utf-8') as maps, open(
      f'/proc/{pid}/mem', 'rb'
  ) as memory:
    for line in maps:
      span, permissions = line.split()[:2]
      start, end = (int(x, 16) for x in span.split('-'))
      if permissions.startswith('rw'):
        memory.seek(start)
        yield memory.read(end - start)


def _read_files(folder):
  for name in os.listdir(folder):
    with open(os.path.join(folder, name), 'rb') as file:
      yield file.read()


class MemoryTest(absltest.TestCase):

  def _find_votes(self, secure):
    """Returns the clients whose votes the server holds, before the last step.

    Then it knows the most; all but one client have given all that they give.
    """
    folder = self.create_tempdir().full_path
    server = counting_federation.Process(
        folder,
        num_votes=_K,
        num_clients=_NUM_CLIENTS,
        secure_aggregation=secure,
    )
    self.addCleanup(server.kill)
    clients = [
        stepping_client.SteppingClient(server.url, i)
        for i in range(_NUM_CLIENTS)
    ]
    for client in clients:
      client.take()
    *before, last = clients[0].raw.description.steps
    for step in before:
      for client in clients:
        client.give(step)
    for client in clients[:-1]:
      client.give(last)
    contents = [*_read_memory(server.pid), *_read_files(folder)]
    # That it is the right memory: what was sent is there.
    sent = clients[0].make(last)
    self.assertTrue(any(sent in content for content in contents))
    return [
        client.client for client in clients
        if any(_is_in(client.votes, content) for content in contents)
    ]

  def test_no_votes_are_in_the_memory_or_the_files_of_the_server(self):
    self.assertEmpty(self._find_votes(secure=True))

  def test_votes_are_found_where_they_are_not_masked(self):
    self.assertEqual(self._find_votes(secure=False), [0, 1])


def _is_in(votes, content):
  """Whether some votes are in a piece of memory: packed, or in bytes."""
  forms = (
      np.packbits(votes, bitorder='little').tobytes(),
      votes.tobytes(),
      votes.astype('<u2').tobytes(),
  )
  # A piece, so that votes are found which are half overwritten.
  return any(re.search(re.escape(form[96:128]), content) for form in forms)


class ComputableTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    # Votes that are as far from random as can be.
    self.votes = np.zeros((3, 40_000), np.uint8)
    self.votes[1] = 1
    self.masked = masked_rounds.make_round(self.votes, 2).run()
    self.num_ones, _ = self.masked.count()
    self.bits = packed_integers.num_bits(3)

  def _without_own_masks(self):
    """Returns all that the server can compute of each client."""
    answers = self.masked.answers
    told = {
        client + 1: list(protocol.split(body, shamir.ELEMENT_BYTES))
        for client, body in answers[protocol.UNMASKING].items()
    }
    residues = []
    for client, body in answers[protocol.MASKED_VOTE].items():
      seed = shamir.join(
          {place: shamir.from_bytes(s[client]) for place, s in told.items()}
      )
      self.assertEqual(seed, self.masked.participants[client]._seed)
      size = self.votes.shape[1]
      mask = keys.seed_mask(seed, self._context(), self.bits, size)
      values = packed_integers.unpack(body, self.bits, size)
      residues.append((values - mask) % 2**self.bits)
    return np.array(residues)

  def test_masked_votes_look_uniform_without_the_own_masks_too(self):
    num_values = 2**self.bits
    for residue in self._without_own_masks():
      counts = np.bincount(residue, minlength=num_values)
      expected = residue.size / num_values
      chi_square = np.sum((counts - expected) ** 2 / expected)
      self.assertLess(chi_square, 24.3)  # Three degrees: 1 of 45,000 times.

  def test_other_votes_of_the_same_sum_fit_as_well(self):
    # Clients 0 and 1 in each other's place: what the server has is the same if
    # the mask that these two share is another, and that they alone know.
    mask_01, mask_02, mask_12 = (
        self._shared_mask(*pair) for pair in ((0, 1), (0, 2), (1, 2))
    )
    votes = self.votes.astype(int)
    other_mask_01 = mask_01 + votes[0] - votes[1]
    self.assertTrue(np.any(other_mask_01 != mask_01))
    for first, second, mask in (
        (votes[0], votes[1], mask_01),
        (votes[1], votes[0], other_mask_01),
    ):
      fitting = [
          first + mask + mask_02,
          second - mask + mask_12,
          votes[2] - mask_02 - mask_12,
      ]
      np.testing.assert_array_equal(
          self._without_own_masks(), np.array(fitting) % 2**self.bits
      )

  def _context(self):
    everyones_keys = protocol.join_records(self.masked.answers[protocol.KEYS])
    return self.masked.participants[0]._round_id.context(everyones_keys)

  def _shared_mask(self, client, other):
    """Returns the mask of two clients, which the one of them computes."""
    participant = self.masked.participants[client]
    public = participant._peers[other].mask
    key = keys.agree(participant._mask_key, public, 'mask', self._context())
    return keys.expand(key, self.bits, self.votes.shape[1]).astype(int)


if __name__ == '__main__':
  absltest.main()
