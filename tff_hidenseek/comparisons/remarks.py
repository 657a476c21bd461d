"""The sentences of a report: on what made the numbers, and how to read them."""

from typing import Any, List, Mapping, Sequence

from tff_hidenseek.comparisons import results as results_lib
from tff_hidenseek.comparisons import summary as summary_lib
from tff_hidenseek.comparisons import sweeps

NOTES = (
    'A number is the mean over seeds, after ± the sample standard deviation; '
    'bold is the best mean of a column, whatever its deviation.',
    'For the same seed all rows of a table have the same examples at the same '
    'clients and draw the same clients each round.',
    'The worst tenth is the mean over the tenth of the seen clients whose own '
    'models are worst.',
    'A megabyte is 10^6 bytes; up and down are the sums over all clients and '
    'rounds, counted from the tensors that are sent. Bits a weight are of all '
    'weights of the model, a client and round, averaged over the rounds.',
    'Seconds are of training alone, without evaluations, and include the '
    'compilation in the first round; seconds a round are the median. They '
    'compare only where the runs had the machine to themselves.',
    'A target counts as reached by the first evaluation that reaches it; costs '
    'are means over the seeds that reached it, and are best only if all did.',
    'Against each of the others an algorithm is compared seed by seed: points '
    'are hundredths of accuracy, and the cost is what both had spent at the '
    'first evaluation that reached the accuracy the other ended with.',
    'On disk, HideNseek\'s model is a ticket (seed, mask and signs), any other '
    'a TensorFlow Lite file of float32 weights, of the first seed: what '
    '`binaries.export` can write of it.',
)
# Of more classes than this not all are named.
_MOST_CLASSES = 20


def describe_command(command: Mapping[str, Any]) -> str:
  """Says when, with which code and where a command ran."""
  commit = command['commit'] or 'no commit'
  dirty = ', with changes that are not committed' if command['is_dirty'] else ''
  gpus = f', {command["gpus"]} GPU' if command['gpus'] else ''
  return (
      f'{command["date"]}; commit {commit[:12]}{dirty}; '
      f'{command["processor"]}, {command["cores"]} cores{gpus}; '
      f'Python {command["python"]}, TensorFlow {command["tensorflow"]}'
  )


def describe_unfinished(run: results_lib.Unfinished) -> str:
  """Says how far a run has come, and what it said last."""
  said = f' Last line: {run.error}' if run.error else ''
  return f'{run.name}: {run.num_rounds} of {run.of_rounds} rounds.{said}'


def describe_diverged(run: results_lib.Diverged) -> str:
  """Says when and how the numbers of a run ceased to be finite."""
  return f'{run.name}: diverged at round {run.round_num}: {run.reason}.'


def describe_data(data: Mapping[str, Any]) -> str:
  """Says what images and classes a data set has.

  Args:
    data: What a run keeps of it (see `run_data`).
  """
  names = list(map(str, data['class_names']))
  shown = ', '.join(names[:_MOST_CLASSES])
  if len(names) > _MOST_CLASSES:
    shown += f' and {len(names) - _MOST_CLASSES} more'
  low, high = data['input_range']
  return (
      f'Images of {" x ".join(map(str, data["input_shape"]))}, pixels in '
      f'[{low:g}, {high:g}]; {len(names)} classes: {shown}.'
  )


def describe_split(results: Sequence[results_lib.Result]) -> str:
  """Says of which examples the accuracies are."""
  fractions = sorted({r.config.validation_fraction for r in results})
  if not any(fractions):
    return (
        'Global accuracies are of the data set\'s test split, personal ones of '
        'each client\'s own test examples.'
    )
  held_out = (
      'training examples held out at each client (validation_fraction '
      f'{" or ".join(f"{f:g}" for f in fractions if f)})'
  )
  if all(fractions):
    return (
        f'All accuracies are of {held_out}; neither the test split nor the '
        'clients\' test examples were looked at.'
    )
  return f'Some accuracies are of {held_out}, others of test examples.'


def describe_section(
    summaries: Sequence[summary_lib.Summary],
    drawn: Sequence[summary_lib.Summary],
    metric: str,
) -> List[str]:
  """Says what the runs on one data set and partition have in common.

  Args:
    summaries: Their numbers.
    drawn: Those of which there are pictures.
    metric: By which a cell of a sweep is best.
  """
  configs = [s.results[0].config for s in summaries]
  seeds = sorted({r.config.seed for s in summaries for r in s.results})
  rounds = sorted({len(r.rows) for s in summaries for r in s.results})
  remarks = [
      f'{_plural("Seed", seeds)}; rounds '
      + ' to '.join(str(r) for r in dict.fromkeys([rounds[0], rounds[-1]]))
      + f'; model {", ".join(dict.fromkeys(c.model for c in configs))}; '
      + _describe_clients(configs)
  ]
  for name, cell in sweeps.best_cells(summaries, metric).items():
    value = cell.values[metric].mean
    remarks.append(
        f'Of the cells of {name}, {cell.label} has the best '
        f'{metric.replace("_", " ")}, {value:.4f}.'
    )
  if len(drawn) < len(summaries):
    remarks.append('The pictures show the best cell of each sweep.')
  interim = {
      c.num_personal_clients
      for c in configs
      if c.num_personal_clients and c.rounds_per_personal_evaluation
  }
  if interim:
    remarks.append(
        'Personal accuracies before the last are of '
        f'{" or ".join(map(str, sorted(interim)))} seen clients; so is the '
        'accuracy that first reaches a personal target.'
    )
  return remarks


def _plural(word: str, values: Sequence[Any]) -> str:
  plural = 's' if len(values) > 1 else ''
  return f'{word}{plural} {", ".join(map(str, values))}'


def _describe_clients(configs) -> str:
  """Says how many clients there are, where all experiments agree."""
  kinds = {
      (c.num_clients, c.num_unseen_clients, c.clients_per_round)
      for c in configs
  }
  if len(kinds) > 1:
    return 'the number of clients differs between rows.'
  ((num_clients, num_unseen, per_round),) = kinds
  unseen = f' ({num_unseen} of them unseen)' if num_unseen else ''
  return f'{num_clients} clients{unseen}, {per_round} a round.'
