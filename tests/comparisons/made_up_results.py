"""Runs that were never run, with numbers worked out by hand."""

from tff_hidenseek.comparisons import report
from tff_hidenseek.comparisons import results
from tff_hidenseek.comparisons import summary
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import shipped_model

COMMAND = dict(
    command='python -m binaries.compare --algorithms=<b>',
    date='2026-01-02T03:04:05+00:00',
    commit='0123456789abcdef',
    is_dirty=True,
    processor='A Processor',
    cores=2,
    gpus=0,
    python='3.11.7',
    tensorflow='2.14.1',
)
UNFINISHED = results.Unfinished(
    name='digits.iid ssfl seed 3',
    num_rounds=4,
    of_rounds=9,
    error='error: `x` must be small, found 3.',
)
DIVERGED = results.Diverged(
    name='digits.iid sign_sgd seed 2',
    round_num=3,
    of_rounds=9,
    reason='`train_loss` is nan',
)


def make_rows(global_accuracies, personal_accuracies=None, seconds=2.0):
  """Makes a row a round: 1 MB up and 3 MB down, all told, in each."""
  personal_accuracies = personal_accuracies or [None] * len(global_accuracies)
  rows = []
  for i, (accuracy, personal) in enumerate(
      zip(global_accuracies, personal_accuracies), start=1
  ):
    row = dict.fromkeys(metrics.METRIC_NAMES)
    row.update(
        round_num=i,
        global_accuracy=accuracy,
        personal_accuracy_mean=personal,
        total_bytes_up=1_000_000 * i,
        total_bytes_down=3_000_000 * i,
        bits_per_weight_up=1.0 * i,
        bits_per_weight_down=3.0,
        clients_counted=5,
        seconds=seconds,
    )
    if personal is not None:
      row.update(
          personal_accuracy_std=0.1,
          personal_accuracy_worst_decile=personal - 0.2,
      )
    rows.append(row)
  return rows


def make_result(
    rows, label='hidenseek', seed=0, personal=(), shipped_bytes=2500, **values
) -> results.Result:
  """Makes a finished run on the digits, IID, with five clients a round."""
  algorithm = values.pop('algorithm', label.split(' ')[0])
  return results.Result(
      label=label,
      group='digits.iid',
      config=config_lib.build_config(
          dict(algorithm=algorithm, seed=seed, clients_per_round=5, **values)
      ),
      rows=rows,
      personal=personal,
      shipped=shipped_model.ShippedModel('ticket', shipped_bytes),
  )


def make_results(**values):
  """Makes a run of HideNseek and one of FedAvg, of two rounds each."""
  rows = make_rows([0.5, 0.75], [None, 0.9])
  return [
      make_result(rows, personal=[0.8, 1.0], **values),
      make_result(rows, label='fed_avg', **values),
  ]


def build_report(
    folder, finished, *, unfinished=(), diverged=(), **targets
) -> report.Report:
  """Builds the report of runs."""
  return report.build_report(
      folder,
      results.Runs(
          finished=finished, unfinished=unfinished, diverged=diverged
      ),
      targets=summary.Targets(**targets),
      reference='hidenseek',
      sweep_metric='global_accuracy',
      commands=[COMMAND],
  )
