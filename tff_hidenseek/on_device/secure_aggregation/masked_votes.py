"""The server's side of secure aggregation.

It passes on what clients encrypt for each other, adds the masked votes up, and
takes away the masks that the clients' shares tell it.
"""

from typing import Dict, List

import numpy as np

from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device import vote_collection
from tff_hidenseek.on_device.secure_aggregation import keys
from tff_hidenseek.on_device.secure_aggregation import layout
from tff_hidenseek.on_device.secure_aggregation import packed_integers
from tff_hidenseek.on_device.secure_aggregation import shamir


class MaskedVotes(vote_collection.VoteCollection):
  """Four steps; what the server can compute of the votes is their sum."""

  steps = protocol.SECURE_STEPS

  def __init__(self, num_votes: int, model: str, threshold: int):
    """Initializes the collection.

    Args:
      num_votes: How many votes a client casts, K.
      model: SHA-256 of the model, in hexadecimal.
      threshold: How many clients a sum needs.
    """
    self._num_votes = num_votes
    self._model = model
    self._threshold = threshold

  def check(self, step, client, body, answers):
    """Checks the length, and that shares are elements of the field."""
    if step == protocol.KEYS:
      vote_collection.check_length(body, layout.KEYS_BYTES, 'A pair of keys')
      return
    num_peers = len(answers[protocol.KEYS])
    if step == protocol.SHARES:
      num_bytes = layout.num_share_bytes(num_peers)
      vote_collection.check_length(body, num_bytes, 'A set of shares')
    elif step == protocol.MASKED_VOTE:
      bits = packed_integers.num_bits(num_peers)
      num_bytes = protocol.num_vote_bytes(self._num_votes, bits)
      vote_collection.check_length(body, num_bytes, 'A masked vote')
    else:
      num_bytes = shamir.ELEMENT_BYTES * len(answers[protocol.SHARES])
      vote_collection.check_length(body, num_bytes, 'An unmasking')
      try:
        _read_elements(body)
      except ValueError as error:
        raise protocol.Refusal(400, str(error)) from error

  def reply(self, round_num, step, client, answers):
    """Returns all keys, the shares for this client, or the survivors."""
    given = answers[step]
    if step == protocol.KEYS:
      return protocol.join_records(given)
    if step == protocol.SHARES:
      return protocol.join_records(
          _shares_for(client, list(answers[protocol.KEYS]), given)
      )
    return protocol.join_clients(given)

  def count(self, round_num, answers):
    """Sums the masked votes and takes all masks away."""
    everyones_keys = protocol.join_records(answers[protocol.KEYS])
    context = layout.RoundId(
        round_num, self._model, self._num_votes, self._threshold
    ).context(everyones_keys)
    public = layout.read_keys(everyones_keys)
    masked = answers[protocol.MASKED_VOTE]
    bits = packed_integers.num_bits(len(public))
    total = np.zeros(self._num_votes, np.uint16)
    for content in masked.values():
      total += packed_integers.unpack(content, bits, self._num_votes)
    for client, secret in self._join_shares(answers).items():
      if client in masked:
        commitment = answers[protocol.SHARES][client][: keys.COMMITMENT_BYTES]
        if keys.commit(secret, context) != commitment:
          raise _false_share(client)
        total -= keys.seed_mask(secret, context, bits, self._num_votes)
        continue
      if keys.public_key(secret) != public[client].mask:
        raise _false_share(client)
      for other in masked:
        key = keys.agree(secret, public[other].mask, 'mask', context)
        mask = keys.expand(key, bits, self._num_votes)
        # As in `participant.mask`, where the other one added it.
        total = total - mask if client > other else total + mask
    total &= np.uint16(2**bits - 1)
    if total.max(initial=0) > len(masked):
      raise vote_collection.RoundFailed(
          'a client masked something else than votes'
      )
    return total.astype(np.int64), len(masked)

  def _join_shares(self, answers) -> Dict[int, int]:
    """Returns the secret of each client that gave shares."""
    owners = sorted(answers[protocol.SHARES])
    told = {
        layout.place(teller): _read_elements(body)
        for teller, body in sorted(answers[protocol.UNMASKING].items())
    }
    places = list(told)[: self._threshold]
    return {
        owner: shamir.join({place: told[place][i] for place in places})
        for i, owner in enumerate(owners)
    }


def _shares_for(client, clients, given) -> Dict[int, bytes]:
  """Returns what each other client encrypted for this one."""
  found = {}
  for sender, body in given.items():
    if sender != client:
      receivers = [c for c in sorted(clients) if c != sender]
      start = keys.COMMITMENT_BYTES
      start += receivers.index(client) * layout.ENCRYPTED_BYTES
      found[sender] = body[start : start + layout.ENCRYPTED_BYTES]
  return found


def _read_elements(body: bytes) -> List[int]:
  pieces = protocol.split(body, shamir.ELEMENT_BYTES)
  return [shamir.from_bytes(piece) for piece in pieces]


def _false_share(owner):
  return vote_collection.RoundFailed(
      f'the shares of client {owner} do not give its secret, so that a client '
      'told a false one'
  )
