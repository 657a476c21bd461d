"""The tables of algorithms, models and runtimes: a name, and what builds it.

To add one: write its file, and a line here. Data sets and partitions have
their tables in `data`.
"""

from typing import Any, Callable

import attrs

from tff_hidenseek.baselines import fed_avg
from tff_hidenseek.baselines import fed_avg_compressed
from tff_hidenseek.baselines import fed_mask
from tff_hidenseek.baselines import fed_pm
from tff_hidenseek.baselines import lottery_fl
from tff_hidenseek.baselines import sign_sgd
from tff_hidenseek.baselines import ssfl
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import hidenseek
from tff_hidenseek.models import convnets
from tff_hidenseek.models import mlp
from tff_hidenseek.models import resnets


@attrs.frozen
class AlgorithmEntry:
  """An algorithm of the table.

  Attributes:
    build: Maps a `LearningTask` and the options to a `FederatedAlgorithm`.
    options_class: The attrs class of its options.
  """

  build: Callable[
      [federated_algorithm.LearningTask, Any],
      federated_algorithm.FederatedAlgorithm,
  ]
  options_class: Any


ALGORITHMS = {
    'hidenseek': AlgorithmEntry(
        hidenseek.build_hidenseek, hidenseek.HideNSeekOptions
    ),
    'fed_avg': AlgorithmEntry(fed_avg.build_fed_avg, fed_avg.FedAvgOptions),
    'fed_avg_compressed': AlgorithmEntry(
        fed_avg_compressed.build_fed_avg_compressed,
        fed_avg_compressed.CompressedFedAvgOptions,
    ),
    'sign_sgd': AlgorithmEntry(sign_sgd.build_sign_sgd, sign_sgd.SignSgdOptions),
    'fed_mask': AlgorithmEntry(fed_mask.build_fed_mask, fed_mask.FedMaskOptions),
    'lottery_fl': AlgorithmEntry(
        lottery_fl.build_lottery_fl, lottery_fl.LotteryFLOptions
    ),
    'fed_pm': AlgorithmEntry(fed_pm.build_fed_pm, fed_pm.FedPMOptions),
    'ssfl': AlgorithmEntry(ssfl.build_ssfl, ssfl.SSFLOptions),
}

MODELS = {
    'linear': mlp.build_linear,
    'mlp': mlp.build_mlp,
    'lenet': convnets.build_lenet,
    'cnn': convnets.build_cnn,
    'conv2': convnets.build_conv2,
    'conv4': convnets.build_conv4,
    'conv6': convnets.build_conv6,
    'vgg16': convnets.build_vgg16,
    'resnet18': resnets.build_resnet18,
}
