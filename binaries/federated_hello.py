"""Runs the smallest federated computation, on the runtime that flags choose."""

import numpy as np
import tensorflow_federated as tff

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import runtime_flags

runtime_flags.define_runtime_flags()


@tff.tensorflow.computation(np.int32)
def _double(value):
  return value * 2


@tff.federated_computation(tff.FederatedType(np.int32, tff.CLIENTS))
def _sum_of_doubles(values):
  return tff.federated_sum(tff.federated_map(_double, values))


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    runtime_flags.set_runtime()
    print(_sum_of_doubles([1, 2, 3]))


if __name__ == '__main__':
  command_line.run(main)
