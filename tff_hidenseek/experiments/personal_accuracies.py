"""The file of a finished run that holds every client's own accuracy."""

import json
import os
from typing import Dict, Mapping, Optional

from tff_hidenseek.experiments import federation as federation_lib

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
  path = os.path.join(run_dir, FILE)
  with open(path + '.tmp', 'w', encoding='utf-8') as file:
    json.dump(content, file, indent=2)
    file.write('\n')
  os.replace(path + '.tmp', path)


def read(run_dir: str) -> Optional[Dict[str, Dict[str, float]]]:
  """Reads the file.

  Args:
    run_dir: The run's folder.

  Returns:
    For `seen` and `unseen` the accuracies by client id; `None` where the run
    has not finished.
  """
  path = os.path.join(run_dir, FILE)
  if not os.path.exists(path):
    return None
  with open(path, encoding='utf-8') as file:
    return json.load(file)
