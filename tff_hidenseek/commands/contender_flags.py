"""Flags of what is compared: algorithms or flag files, seeds, and sweeps."""

from typing import Dict, List, Sequence

from absl import flags

from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.comparisons import contenders as contenders_lib
from tff_hidenseek.comparisons import plan as plan_lib


def define_contender_flags() -> None:
  """Defines the flags."""
  flags.DEFINE_list(
      'algorithms', [], 'What is compared; default: --algorithm alone.'
  )
  flags.DEFINE_list(
      'flagfiles', [], 'Flag files that are compared, instead of --algorithms.'
  )
  flags.DEFINE_list('seeds', [], 'Seeds; default: --seed alone.')
  flags.DEFINE_multi_string(
      'seeds_of',
      [],
      'Other seeds for one of those compared, such as ssfl=0 (repeatable).',
  )
  flags.DEFINE_list(
      'partitions', [], 'Run on every one of these; default: --partition alone.'
  )
  flags.DEFINE_multi_string(
      'sweep',
      [],
      'Values of one more option, such as server_learning_rate=0.5,1 '
      '(repeatable, which makes a grid).',
  )


def plan_runs(output_dir: str) -> List[plan_lib.PlannedRun]:
  """Returns the runs that the flags ask for.

  Args:
    output_dir: The comparison's folder.

  Raises:
    ValueError: If a flag breaks its rule, or does not fit another.
  """
  values = flags.FLAGS
  given = experiment_flags.given_values()
  if values.algorithms and values.flagfiles:
    raise ValueError(
        '`algorithms` must not come with `flagfiles`, found both.'
    )
  if values.flagfiles:
    files = {
        path: experiment_flags.values_from_file(path)
        for path in values.flagfiles
    }
    contenders = contenders_lib.of_files(files, given)
  else:
    names = values.algorithms or [given.get('algorithm', 'hidenseek')]
    contenders = contenders_lib.of_algorithms(names, given)
  grid = {
      name: [experiment_flags.parse_value(name, text) for text in texts]
      for name, texts in _split_assignments('sweep', values.sweep).items()
  }
  return plan_lib.plan(
      contenders_lib.sweep(contenders, grid),
      output_dir,
      seeds=_parse_seeds('seeds', values.seeds),
      seeds_of={
          name: _parse_seeds('seeds_of', texts)
          for name, texts in _split_assignments(
              'seeds_of', values.seeds_of
          ).items()
      },
      partitions=values.partitions,
  )


def _parse_seeds(name: str, texts: Sequence[str]) -> List[int]:
  for text in texts:
    if not text.isdecimal():
      raise ValueError(f'`{name}` must be whole numbers, found {text!r}.')
  return [int(text) for text in texts]


def _split_assignments(
    name: str, texts: Sequence[str]
) -> Dict[str, List[str]]:
  """Makes `{'a': ['1', '2']}` of `['a=1,2']`."""
  assignments = {}
  for text in texts:
    key, equals, values = text.partition('=')
    if not (key and equals and values) or key in assignments:
      raise ValueError(
          f'`{name}` must be NAME=VALUE,VALUE, each name once, found {text!r}.'
      )
    assignments[key] = values.split(',')
  return assignments
