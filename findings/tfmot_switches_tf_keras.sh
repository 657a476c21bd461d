#!/usr/bin/env bash
# tensorflow-model-optimization 0.8.1 decides which Keras `tf.keras` is.
#
# Seen with tensorflow-cpu 2.21.0, tf-keras 2.21.0, keras 3.12.4 and Python 3.10
# to 3.13: importing tensorflow_model_optimization sets TF_USE_LEGACY_KERAS to 1,
# also where the program has set it to 0.  Where `tf.keras` was not used before,
# it is Keras 2 from then on, for the whole process and in every process that it
# starts; where it was used before, it stays Keras 3, and
# prune_low_magnitude refuses the models made with it.
#
# Output seen:
#   asked for 0, environment has 1, tf.keras is tf_keras
#   used first: tf.keras is keras, pruning raises ValueError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  tensorflow-cpu==2.21.0 keras==3.12.4 tensorflow-model-optimization==0.8.1 \
  'setuptools<80'
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
  tf-keras==2.21.0

cat > "$folder/asked.py" <<'PROGRAM'
import os
os.environ['TF_USE_LEGACY_KERAS'] = '0'
import tensorflow as tf
import tensorflow_model_optimization
package = tf.keras.layers.Dense.__module__.partition('.')[0]
print(f'asked for 0, environment has {os.environ["TF_USE_LEGACY_KERAS"]}, '
      f'tf.keras is {package}')
PROGRAM
cat > "$folder/used.py" <<'PROGRAM'
import os
os.environ['TF_USE_LEGACY_KERAS'] = '0'
import tensorflow as tf
model = tf.keras.Sequential([tf.keras.layers.Input([4]),
                             tf.keras.layers.Dense(2)])
import tensorflow_model_optimization as tfmot
package = tf.keras.layers.Dense.__module__.partition('.')[0]
try:
  tfmot.sparsity.keras.prune_low_magnitude(model)
  outcome = 'works'
except ValueError:
  outcome = 'raises ValueError'
print(f'used first: tf.keras is {package}, pruning {outcome}')
PROGRAM
export TF_CPP_MIN_LOG_LEVEL=3
for program in asked used; do
  "$folder/venv/bin/python" "$folder/$program.py" 2>/dev/null
done | tee "$folder/seen"
diff "$folder/seen" - <<'EXPECTED'
asked for 0, environment has 1, tf.keras is tf_keras
used first: tf.keras is keras, pruning raises ValueError
EXPECTED
