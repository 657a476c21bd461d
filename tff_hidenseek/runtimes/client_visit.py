"""One visit of all clients: what it needs and what it gives."""

from typing import Callable, List, Tuple

import attrs
import tensorflow as tf

from tff_hidenseek.runtimes import schedule

Tensors = List[tf.Tensor]


@attrs.frozen(eq=False)
class Visit:
  """What the clients of one pass are given.

  Attributes:
    work: The pass.
    num_clients: The number of clients.
    shared: The tensors of `work.clients.shared`.
    accumulate_shared: The tensors of `work.accumulate.shared`.
    zero: The tensors of `work.zero`.
    get_inputs: Returns the tensors of `work.clients.inputs` for the client of
      an index. May be called by several threads.
  """

  work: schedule.Pass
  num_clients: int
  shared: Tensors
  accumulate_shared: Tensors
  zero: Tensors
  get_inputs: Callable[[int], Tensors]


# Makes a visit: returns the tensors of `work.totals`, and for each client those
# of `work.kept`.
VisitFn = Callable[[Visit], Tuple[Tensors, List[Tensors]]]
