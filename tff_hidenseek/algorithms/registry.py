"""The table of algorithms: a name, and what builds it.

To add one: write its file, and a line here. Models have their table in
`models.architectures`, data sets and partitions theirs in `data`.
"""

from typing import Any, Callable

import attrs

from tff_hidenseek.algorithms import fed_avg
from tff_hidenseek.algorithms import fed_avg_compressed
from tff_hidenseek.algorithms import fed_bat
from tff_hidenseek.algorithms import fed_mask
from tff_hidenseek.algorithms import fed_mrn
from tff_hidenseek.algorithms import fed_pm
from tff_hidenseek.algorithms.hidenseek import hidenseek
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.algorithms import lottery_fl
from tff_hidenseek.algorithms import sign_sgd
from tff_hidenseek.algorithms import ssfl
from tff_hidenseek.learning import federated_algorithm


@attrs.frozen
class AlgorithmEntry:
  """An algorithm of the table.

  Attributes:
    build: Maps a `LearningTask` and the options to a `FederatedAlgorithm`.
    options_class: The attrs class of its options.
    can_be_attacked: Whether its clients can be malicious (see `attacks`).
  """

  build: Callable[
      [federated_algorithm.LearningTask, Any],
      federated_algorithm.FederatedAlgorithm,
  ]
  options_class: Any
  can_be_attacked: bool = False


ALGORITHMS = {
    'hidenseek': AlgorithmEntry(
        hidenseek.build_hidenseek,
        hidenseek_options.HideNSeekOptions,
        can_be_attacked=True,
    ),
    'fed_avg': AlgorithmEntry(
        fed_avg.build_fed_avg, fed_avg.FedAvgOptions, can_be_attacked=True
    ),
    'fed_avg_compressed': AlgorithmEntry(
        fed_avg_compressed.build_fed_avg_compressed,
        fed_avg_compressed.CompressedFedAvgOptions,
    ),
    'sign_sgd': AlgorithmEntry(
        sign_sgd.build_sign_sgd, sign_sgd.SignSgdOptions, can_be_attacked=True
    ),
    'fed_mask': AlgorithmEntry(
        fed_mask.build_fed_mask, fed_mask.FedMaskOptions
    ),
    'lottery_fl': AlgorithmEntry(
        lottery_fl.build_lottery_fl, lottery_fl.LotteryFLOptions
    ),
    'fed_pm': AlgorithmEntry(
        fed_pm.build_fed_pm, fed_pm.FedPMOptions, can_be_attacked=True
    ),
    'fed_mrn': AlgorithmEntry(fed_mrn.build_fed_mrn, fed_mrn.FedMRNOptions),
    'fed_bat': AlgorithmEntry(fed_bat.build_fed_bat, fed_bat.FedBATOptions),
    'ssfl': AlgorithmEntry(ssfl.build_ssfl, ssfl.SSFLOptions),
}
