"""One visit of clients as a TFF computation, for workers to run."""

from typing import Any, List, Sequence, Tuple

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import dataflow
from tff_hidenseek.runtimes import dataflow_builder
from tff_hidenseek.runtimes import schedule
from tff_hidenseek.runtimes import values


_Tensors = Sequence[tf.Tensor]


@attrs.frozen(eq=False)
class RemoteVisit:
  """A pass over some clients: the argument and the result are plain values.

  Attributes:
    computation: The computation in TFF's native form. It gives the accumulators
      after the last client, then what each client keeps; either may be missing.
  """

  computation: tff.framework.ConcreteComputation
  _work: schedule.Pass

  def make_argument(
      self, visit: schedule.Visit, clients: Sequence[int]
  ) -> Tuple[object, ...]:
    """Returns the argument for the clients of some indices."""
    work = self._work
    shared = _to_numpy(
        list(visit.shared) + list(visit.accumulate_shared),
        work.clients.shared + work.accumulate.shared,
    )
    return (
        shared,
        _to_numpy(visit.zero, work.zero),
        [
            (index,) + _to_numpy(visit.get_inputs(index), work.clients.inputs)
            for index in clients
        ],
    )

  def read_result(self, result: Any) -> schedule.VisitResult:
    """Returns the accumulators' tensors, and for each client what it keeps."""
    totals: Sequence[object] = []
    kept: Sequence[Sequence[object]] = []
    if self._work.totals and self._work.kept:
      totals, kept = result
    elif self._work.totals:
      totals = result
    else:
      kept = result
    return (
        _to_tensors(totals, self._work.totals),
        [_to_tensors(client, self._work.kept) for client in kept],
    )


def build_remote_visit(work: schedule.Pass) -> RemoteVisit:
  """Builds the computation of a pass.

  Args:
    work: The pass.

  Returns:
    The computation, and how to call it.
  """
  clients, accumulate = work.clients, work.accumulate
  num_shared = len(clients.shared)
  shared_type = _struct_type(clients.shared + accumulate.shared)
  # The index is there so that there is something at clients in any case.
  inputs_type = tff.StructType(
      [tff.TensorType(np.int32)] + [s.type_spec for s in clients.inputs]
  )
  carried_type = _struct_type(accumulate.carried)
  outputs_type = _struct_type(clients.outputs + accumulate.shared)

  @tff.tensorflow.computation(shared_type, inputs_type)
  def run_client(shared: _Tensors, inputs: _Tensors) -> _Tensors:
    shared = list(shared)
    inputs = [_to_tensor(value) for value in inputs][1:]
    _, (outputs,) = clients.compute(shared[:num_shared], [], [inputs])
    return tuple(outputs + shared[num_shared:])

  @tff.tensorflow.computation(carried_type, outputs_type)
  def accumulate_client(carried: _Tensors, outputs: _Tensors) -> _Tensors:
    outputs = list(outputs)
    updated, _ = accumulate.compute(
        outputs[len(clients.outputs) :],
        list(carried),
        [outputs[: len(accumulate.inputs)]],
    )
    return tuple(updated)

  @tff.tensorflow.computation(carried_type, carried_type)
  def merge(first: _Tensors, second: _Tensors) -> _Tensors:
    return tuple(work.merge.compute([], list(first), [list(second)])[0])

  @tff.tensorflow.computation(carried_type)
  def report(carried: _Tensors) -> _Tensors:
    return tuple(tf.identity(tensor) for tensor in carried)

  @tff.tensorflow.computation(outputs_type)
  def select_kept(outputs: _Tensors) -> _Tensors:
    return tuple(
        tf.identity(outputs[clients.outputs.index(symbol)])
        for symbol in work.kept
    )

  @tff.federated_computation(
      tff.FederatedType(shared_type, tff.SERVER),
      carried_type,
      tff.FederatedType(inputs_type, tff.CLIENTS),
  )
  def visit(shared: tff.Value, zero: tff.Value, inputs: tff.Value) -> Any:
    outputs = tff.federated_map(
        run_client, (tff.federated_broadcast(shared), inputs)
    )
    results = []
    if work.totals:
      results.append(
          tff.federated_aggregate(
              outputs, zero, accumulate_client, merge, report
          )
      )
    if work.kept:
      results.append(tff.federated_map(select_kept, outputs))
    return results if len(results) > 1 else results[0]

  return RemoteVisit(dataflow_builder.compile_to_native(visit), work)


def _struct_type(symbols: Sequence[dataflow.Symbol]) -> tff.StructType:
  return tff.StructType([symbol.type_spec for symbol in symbols])


def _to_tensor(value: Any) -> tf.Tensor:
  if isinstance(value, tf.data.Dataset):
    return tf.data.experimental.to_variant(value)
  return value


def _to_numpy(
    tensors: _Tensors, symbols: Sequence[dataflow.Symbol]
) -> Tuple[object, ...]:
  return tuple(
      values.to_numpy([tensor], symbol.type_spec)
      for tensor, symbol in zip(tensors, symbols)
  )


def _to_tensors(
    result: Sequence[object], symbols: Sequence[dataflow.Symbol]
) -> List[tf.Tensor]:
  return [
      tf.constant(value, symbol.spec.dtype)
      for value, symbol in zip(result, symbols)
  ]
