"""A dataflow as passes: work at the server, then one visit of the clients.

All aggregations that need equally many others before them share one pass, so
that no client computes anything twice.
"""

import itertools
from typing import Callable, Iterable, List, Sequence, Set, Tuple, TypeVar

import attrs
import tensorflow as tf

from tff_hidenseek.runtimes import dataflow
from tff_hidenseek.runtimes import step

Symbols = Tuple[dataflow.Symbol, ...]
_Item = TypeVar('_Item')


@attrs.frozen(eq=False)
class Pass:
  """One visit of the server, then of every client.

  Attributes:
    server: The work at the server, run first.
    clients: The work of each client. Its first outputs are the inputs of
      `accumulate`.
    accumulate: Folds the outputs of `clients` into what it carries.
    merge: Folds what several groups of clients carried into one.
    zero: The symbols of what is carried to the first client.
    totals: The symbols of what is carried from the last client.
    kept: The outputs of `clients` that a later pass or the result needs.
  """

  server: step.Step
  clients: step.Step
  accumulate: step.Step
  merge: step.Step
  zero: Symbols
  totals: Symbols
  kept: Symbols

  @property
  def visits_clients(self) -> bool:
    """Whether clients have anything to do."""
    return bool(self.totals or self.kept)


def build_schedule(flow: dataflow.Dataflow) -> List[Pass]:
  """Orders the calls that the results need.

  Args:
    flow: The computation.

  Returns:
    The passes, in order.
  """
  calls, needed = _find_needed(flow, flow.results)
  at_clients = [c for c in flow.calls if c in calls and _is_at_clients(c)]
  at_server = [c for c in flow.calls if c in calls and not _is_at_clients(c)]
  aggregations = [a for a in flow.aggregations if a in needed]
  num_passes = 1 + max(
      itertools.chain(
          (symbol.depth for symbol in flow.results),
          (aggregation.depth for aggregation in aggregations),
      ),
      default=0,
  )
  targets, client_calls = _assign_client_calls(
      flow, at_clients, aggregations, num_passes
  )
  used = [
      dataflow.find_free_symbols(here, (), wanted)
      for here, wanted in zip(client_calls, targets)
  ]
  # The server's outputs: all that is used anywhere but where it is made.
  server_used = set(
      itertools.chain(
          flow.results,
          *used,
          *(a.zero + a.values for a in aggregations),
          *(c.inputs for c in at_server),
      )
  )

  passes = []
  for depth in range(num_passes):
    here = tuple(a for a in aggregations if a.depth == depth)
    server_calls = tuple(c for c in at_server if c.outputs[0].depth == depth)
    produced = _outputs(client_calls[depth])
    later = set(itertools.chain(flow.results, *used[depth + 1 :]))
    kept = tuple(s for s in produced if s in later)
    carried = _concatenate(a.accumulator for a in here)
    accumulate_calls = _concatenate(a.calls for a in here)
    updated = _concatenate(a.updated for a in here)
    values = dataflow.find_free_symbols(accumulate_calls, carried, updated)
    inputs = tuple(s for s in values if s.at_clients)
    outputs = _concatenate([inputs, (s for s in kept if s not in inputs)])
    passes.append(
        Pass(
            server=step.Step(
                shared=dataflow.find_free_symbols(server_calls, (), ()),
                carried=(),
                inputs=(),
                calls=server_calls,
                updated=(),
                outputs=tuple(
                    s for s in _outputs(server_calls) if s in server_used
                ),
            ),
            clients=step.Step(
                shared=tuple(s for s in used[depth] if not s.at_clients),
                carried=(),
                inputs=tuple(s for s in used[depth] if s.at_clients),
                calls=tuple(client_calls[depth]),
                updated=(),
                outputs=outputs,
            ),
            accumulate=step.Step(
                shared=tuple(s for s in values if not s.at_clients),
                carried=carried,
                inputs=inputs,
                calls=accumulate_calls,
                updated=updated,
                outputs=(),
            ),
            merge=step.Step(
                shared=(),
                carried=carried,
                inputs=_concatenate(a.other for a in here),
                calls=_concatenate(a.merge_calls for a in here),
                updated=_concatenate(a.merged for a in here),
                outputs=(),
            ),
            zero=_concatenate(a.zero for a in here),
            totals=_concatenate(a.outputs for a in here),
            kept=kept,
        )
    )
  return passes


def _assign_client_calls(
    flow: dataflow.Dataflow,
    at_clients: Sequence[dataflow.Call],
    aggregations: Sequence[dataflow.Aggregation],
    num_passes: int,
) -> Tuple[List[List[dataflow.Symbol]], List[List[dataflow.Call]]]:
  """Assigns each call to the first pass that needs it.

  Returns:
    Two lists with one list for each pass: the client symbols that its
    aggregations and the result take from it, and its calls.
  """
  targets: List[List[dataflow.Symbol]] = []
  client_calls: List[List[dataflow.Call]] = []
  scheduled: Set[dataflow.Call] = set()
  for depth in range(num_passes):
    wanted = [s for s in flow.results if s.at_clients and s.depth == depth]
    for aggregation in aggregations:
      if aggregation.depth == depth:
        wanted.extend(s for s in aggregation.values if s.at_clients)
    reached, _ = _find_needed(flow, wanted)
    here = [c for c in at_clients if c in reached and c not in scheduled]
    scheduled.update(here)
    targets.append(wanted)
    client_calls.append(here)
  return targets, client_calls


def _find_needed(
    flow: dataflow.Dataflow, wanted: Iterable[dataflow.Symbol]
) -> Tuple[Set[dataflow.Call], Set[dataflow.Aggregation]]:
  """Returns the calls and aggregations on which symbols depend."""
  producers = {s: call for call in flow.calls for s in call.outputs}
  aggregators = {s: a for a in flow.aggregations for s in a.outputs}
  calls: Set[dataflow.Call] = set()
  aggregations: Set[dataflow.Aggregation] = set()
  stack = list(wanted)
  while stack:
    symbol = stack.pop()
    call, aggregation = producers.get(symbol), aggregators.get(symbol)
    if call is not None and call not in calls:
      calls.add(call)
      stack.extend(call.inputs)
    if aggregation is not None and aggregation not in aggregations:
      aggregations.add(aggregation)
      stack.extend(aggregation.zero + aggregation.values)
  return calls, aggregations


def _is_at_clients(call: dataflow.Call) -> bool:
  return call.outputs[0].at_clients


def _outputs(calls: Iterable[dataflow.Call]) -> Symbols:
  return _concatenate(call.outputs for call in calls)


def _concatenate(tuples: Iterable[Iterable[_Item]]) -> Tuple[_Item, ...]:
  return tuple(itertools.chain.from_iterable(tuples))


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

  work: Pass
  num_clients: int
  shared: Tensors
  accumulate_shared: Tensors
  zero: Tensors
  get_inputs: Callable[[int], Tensors]


# Makes a visit: returns the tensors of `work.totals`, and for each client those
# of `work.kept`.
VisitResult = Tuple[Tensors, List[Tensors]]
VisitFn = Callable[[Visit], VisitResult]
