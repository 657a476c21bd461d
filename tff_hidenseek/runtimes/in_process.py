"""A TFF execution context that runs everything in this process.

TFF's own runtime is a program of its own behind gRPC that uses CPUs alone. Here
a computation is compiled to ordinary TensorFlow functions, so that any device
TensorFlow sees can be used and no value is serialised.
"""

from typing import Dict, Optional, Sequence
import weakref

import tensorflow_federated as tff

from tff_hidenseek.runtimes import devices
from tff_hidenseek.runtimes import local_clients
from tff_hidenseek.runtimes import program
from tff_hidenseek.runtimes import schedule


def create_in_process_context(
    client_threads: Optional[int] = None,
    client_devices: Optional[Sequence[str]] = None,
) -> tff.framework.SyncContext:
  """Creates a context that runs computations in this process.

  Results do not depend on the number of threads. Create the context before
  TensorFlow's first op: see `devices.place_clients`.

  Args:
    client_threads: Clients to run at a time, at least 1; None means one for
      each core, or four for each GPU.
    client_devices: The names of the devices to run clients on, in turn, such as
      `GPU:0`; None means all GPUs, or the CPU if there is none.

  Returns:
    A context for `tff.framework.set_default_context`. Client values may be
    tensors (passed on as they are), NumPy values or datasets. Results are NumPy
    values.
  """
  clients = local_clients.LocalClients(
      *devices.place_clients(client_threads, client_devices)
  )
  return InProcessContext(clients.visit)


class InProcessContext(tff.framework.SyncContext):
  """Compiles computations once each, and runs them."""

  def __init__(self, visit_clients: schedule.VisitFn) -> None:
    """Initialises the context.

    Args:
      visit_clients: Runs the clients of a pass.
    """
    self._visit_clients = visit_clients
    self._programs: Dict[int, program.Program] = {}

  def invoke(
      self, comp: tff.framework.ConcreteComputation, arg: object
  ) -> object:
    """Runs the computation `comp` on `arg`, None if it takes no argument."""
    # By identity: a computation's own hash serialises all of it.
    compiled = self._programs.get(id(comp))
    if compiled is None:
      compiled = self._programs[id(comp)] = program.Program(comp)
      weakref.finalize(comp, self._programs.pop, id(comp), None)
    return compiled.run(arg, self._visit_clients)
