"""A client's side of secure aggregation, for one round.

Nothing that it sends tells its votes to fewer than a threshold of clients. It
refuses what would: a second list of survivors, or one of too few.
"""

from typing import Dict, List, Optional

import attrs
import numpy as np

from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.secure_aggregation import keys
from tff_hidenseek.on_device.secure_aggregation import layout
from tff_hidenseek.on_device.secure_aggregation import packed_integers
from tff_hidenseek.on_device.secure_aggregation import shamir


class Participant:
  """Answers the server's four steps, each once and in their order.

  All methods raise `ValueError` where the server asks for what a client must
  not give; the client then has no further part in the round.
  """

  def __init__(self, round_id: layout.RoundId, client: int):
    """Draws the keys of the round.

    Args:
      round_id: What the round is.
      client: This client's number.
    """
    self._round_id = round_id
    self._me = client
    self._encryption_key = shamir.draw_element()
    self._mask_key = shamir.draw_element()
    self._seed = shamir.draw_element()
    self._context = b''
    self._peers: Dict[int, layout.PublicKeys] = {}
    self._shares: Dict[int, layout.Shares] = {}
    self._survivors: Optional[List[int]] = None

  def keys(self) -> bytes:
    """Returns the public keys: the first step."""
    return self._public_keys().to_bytes()

  def share(self, everyones_keys: bytes) -> bytes:
    """Cuts the secrets of this client into shares: the second step.

    Args:
      everyones_keys: The public keys of all that take part.

    Returns:
      The commitment to the seed of the own mask, and for every other client, in
      the order of their numbers, its encrypted shares.
    """
    if self._peers:
      raise ValueError('Keys must be listed once a round, found a second list.')
    peers = layout.read_keys(everyones_keys)
    self._check_clients(list(peers), 'public keys')
    if peers[self._me] != self._public_keys():
      raise ValueError('The list of keys must hold the own, found others.')
    # Two halves that are told different survivors must not both reach it.
    least = max(2, len(peers) // 2 + 1)
    if self._round_id.threshold < least:
      raise ValueError(
          f'The threshold must be {least} of {len(peers)} clients at least, '
          f'found {self._round_id.threshold}.'
      )
    every_key = [key for peer in peers.values() for key in attrs.astuple(peer)]
    if len(set(every_key)) != len(every_key):
      raise ValueError('Public keys must be distinct, found one twice.')
    # Who was shown another list derives other keys, and decrypts nothing.
    self._context = self._round_id.context(everyones_keys)
    self._peers = peers
    places = {peer: layout.place(peer) for peer in peers}
    threshold = self._round_id.threshold
    of_seed = shamir.split(self._seed, threshold, places.values())
    of_key = shamir.split(self._mask_key, threshold, places.values())
    body = [keys.commit(self._seed, self._context)]
    for peer, place in places.items():
      shares = layout.Shares(of_seed[place], of_key[place])
      if peer == self._me:
        self._shares[peer] = shares
      else:
        body.append(
            keys.encrypt(self._share_key(self._me, peer), shares.to_bytes())
        )
    return b''.join(body)

  def mask(self, shares_for_me: bytes, packed_votes: bytes) -> bytes:
    """Masks the votes: the third step.

    Args:
      shares_for_me: What the others encrypted for this client.
      packed_votes: The votes, eight to a byte.

    Returns:
      The masked votes, packed.
    """
    if len(self._shares) != 1:
      raise ValueError('Shares must come once, after the keys.')
    size = self._round_id.num_votes
    if len(packed_votes) != protocol.num_vote_bytes(size):
      raise ValueError(
          f'`packed_votes` must have {protocol.num_vote_bytes(size)} bytes, '
          f'found {len(packed_votes)}.'
      )
    encrypted = protocol.split_records(shares_for_me, layout.ENCRYPTED_BYTES)
    self._check_clients([*encrypted, self._me], 'shares')
    for peer, content in encrypted.items():
      try:
        plain = keys.decrypt(self._share_key(peer, self._me), content)
      except ValueError as error:
        raise ValueError(
            f'The shares of client {peer} cannot be decrypted: it is false, or '
            'was shown other keys.'
        ) from error
      self._shares[peer] = layout.Shares.from_bytes(plain)
    bits = packed_integers.num_bits(len(self._peers))
    masked = packed_integers.unpack(packed_votes, 1, size)
    masked += keys.seed_mask(self._seed, self._context, bits, size)
    for peer in encrypted:
      key = keys.agree(
          self._mask_key, self._peers[peer].mask, 'mask', self._context
      )
      mask = keys.expand(key, bits, size)
      # What the one adds the other takes away; uint16 wraps as it should.
      masked = masked + mask if peer > self._me else masked - mask
    return packed_integers.pack(masked & np.uint16(2**bits - 1), bits)

  def unmask(self, survivors: bytes) -> bytes:
    """Tells the shares that the server needs for the sum: the fourth step.

    Args:
      survivors: The numbers of the clients whose masked votes arrived.

    Returns:
      For each client that gave shares, in the order of their numbers, a share:
      of the seed of its own mask if it survives, else of its private key. Never
      both, of no client.
    """
    clients = protocol.split_clients(survivors)
    if self._survivors not in (None, clients):
      raise ValueError(
          'Survivors must be listed once a round, found a second list, which '
          'would tell votes.'
      )
    if not set(clients) <= set(self._shares):
      raise ValueError('Survivors must be among those who gave shares.')
    self._check_clients(clients, 'masked votes')
    self._survivors = clients
    return b''.join(
        shamir.to_bytes(shares.seed if peer in clients else shares.mask_key)
        for peer, shares in sorted(self._shares.items())
    )

  def _public_keys(self):
    return layout.PublicKeys(
        keys.public_key(self._encryption_key), keys.public_key(self._mask_key)
    )

  def _share_key(self, sender, receiver):
    """Returns the key of the one message from a client to another."""
    peer = receiver if sender == self._me else sender
    return keys.agree(
        self._encryption_key,
        self._peers[peer].encryption,
        f'shares {sender} {receiver}',
        self._context,
    )

  def _check_clients(self, clients, of):
    if self._me not in clients:
      raise ValueError(f'The list of {of} must hold the own, found it missing.')
    if len(clients) < self._round_id.threshold:
      raise ValueError(
          f'The {of} must be of {self._round_id.threshold} clients at least, '
          f'found {len(clients)}.'
      )
