#!/usr/bin/env bash
# A functional model that TensorFlow 2.14 saved as `.keras` does not load in
# tf-keras 2.21, which is the same Keras 2 for today's TensorFlow.
#
# tensorflow-cpu 2.14.1 (Python 3.9 to 3.11) writes the layers' weights under
# the group `_layer_checkpoint_dependencies` of model.weights.h5; tf-keras 2.21.0
# looks for them under `layers`, and finds none.  Renaming the group in the file
# mends it, with the same outputs to the bit.
#
# Output seen:
#   ValueError: expected 2 variables, but received 0 variables
#   renamed: largest difference 0.0
#
# PYTHON must be 3.10 or 3.11: the only ones that run both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3.11}
for release in old new; do "$python" -m venv "$folder/$release"; done
"$folder/old/bin/pip" install --quiet --disable-pip-version-check \
  tensorflow-cpu==2.14.1 'numpy<2'
"$folder/new/bin/pip" install --quiet --disable-pip-version-check \
  tensorflow-cpu==2.21.0
"$folder/new/bin/pip" install --quiet --disable-pip-version-check --no-deps \
  tf-keras==2.21.0

cat > "$folder/save.py" <<'PROGRAM'
import numpy as np, tensorflow as tf
tf.keras.utils.set_random_seed(0)
inputs = tf.keras.Input([3])
model = tf.keras.Model(inputs, tf.keras.layers.Dense(2, name='dense')(inputs))
model.save('model.keras')
np.save('outputs.npy', model(tf.ones([1, 3])).numpy())
PROGRAM
cat > "$folder/load.py" <<'PROGRAM'
import re, zipfile
import h5py, numpy as np, tensorflow as tf, tf_keras
try:
  tf_keras.models.load_model('model.keras')
  print('loads')
except ValueError as error:
  found = re.search('expected . variables, but received . variables', str(error))
  print('ValueError:', found.group())
with zipfile.ZipFile('model.keras') as archive:
  archive.extract('model.weights.h5')
  with h5py.File('model.weights.h5', 'r+') as file:
    file.move('_layer_checkpoint_dependencies', 'layers')
  with zipfile.ZipFile('renamed.keras', 'w') as renamed:
    for name in ('metadata.json', 'config.json'):
      renamed.writestr(name, archive.read(name))
    renamed.write('model.weights.h5')
outputs = tf_keras.models.load_model('renamed.keras')(tf.ones([1, 3])).numpy()
print('renamed: largest difference', abs(outputs - np.load('outputs.npy')).max())
PROGRAM
export TF_CPP_MIN_LOG_LEVEL=3
cd "$folder"
old/bin/python save.py 2>/dev/null
new/bin/python load.py 2>/dev/null | tee seen
diff seen - <<'EXPECTED'
ValueError: expected 2 variables, but received 0 variables
renamed: largest difference 0.0
EXPECTED
