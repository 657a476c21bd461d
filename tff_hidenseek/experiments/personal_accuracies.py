"""The file of a finished run that holds every client's own accuracy."""

import json
import os
from typing import Dict, Mapping, Optional

from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import json_files
from tff_hidenseek import files

FILE = 'personal_accuracies.json'


def write(
    run_dir: str,
    accuracies: Mapping[int, float],
    federation: federation_lib.Federation,
) -> None:
  """Writes the file.

  Args:
    run_dir: The run's folder, which exists.
    accuracies: The accuracy of every client, by its id.
    federation: The clients.
  """
  content = {
      kind: {client_id: accuracies[client_id] for client_id in clients}
      for kind, clients in (
          ('seen', federation.seen_clients),
          ('unseen', federation.unseen_clients),
      )
  }
  text = json.dumps(content, indent=2) + '\n'
  files.write_atomically(os.path.join(run_dir, FILE), text.encode())


def read(run_dir: str) -> Optional[Dict[str, Dict[str, float]]]:
  """Reads the file.

  Args:
    run_dir: The run's folder.

  Returns:
    For `seen` and `unseen` the accuracies by client id; `None` where the run
    has not finished.
  """
  path = os.path.join(run_dir, FILE)
  content = json_files.read(path, {'seen': dict, 'unseen': dict})
  if content is None:
    return None
  for accuracy in (*content['seen'].values(), *content['unseen'].values()):
    if not isinstance(accuracy, (int, float)) or not 0 <= accuracy <= 1:
      raise ValueError(
          f'{path}: must hold accuracies in [0, 1], found {accuracy!r}.'
      )
  return content
