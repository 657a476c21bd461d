#!/usr/bin/env bash
# The converter makes a file of a Keras model with GroupNormalization that no
# runtime can run, and does not say so.
#
# tensorflow-cpu 2.21.0, tf-keras 2.21.0, ai-edge-litert 2.3.0: the layer splits
# the channels of an image into two of five axes, with the size of the batch read
# at run time.  For an input of any batch, which is what Keras makes, the
# conversion succeeds, and allocating tensors then fails in BROADCAST_TO, already
# for the batch of one that the file was made with.  With the batch fixed in
# Keras the same model converts to a file that gives what Keras gives.
#
# Output seen:
#   any batch: RuntimeError: BROADCAST_TO
#   batch of 2: the same as Keras
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3.11}
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  tensorflow-cpu==2.21.0 ai-edge-litert==2.3.0
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
  tf-keras==2.21.0

cat > "$folder/run.py" <<'PROGRAM'
import re
from ai_edge_litert import interpreter as litert
import numpy as np, tensorflow as tf
for batch in (None, 2):
  inputs = tf.keras.Input([4, 4, 8], batch_size=batch)
  outputs = tf.keras.layers.GroupNormalization(4)(inputs)
  model = tf.keras.Model(inputs, outputs)
  content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
  images = np.random.default_rng(0).random([batch or 1, 4, 4, 8], np.float32)
  runtime = litert.Interpreter(model_content=content)
  name = f'batch of {batch}' if batch else 'any batch'
  try:
    runtime.allocate_tensors()
    runtime.set_tensor(runtime.get_input_details()[0]['index'], images)
    runtime.invoke()
    found = runtime.get_tensor(runtime.get_output_details()[0]['index'])
    same = np.allclose(found, model(images), atol=1e-5)
    print(f'{name}:', 'the same as Keras' if same else 'another result')
  except RuntimeError as error:
    operator = re.search(r'\((\w+)\) failed to prepare', str(error))
    print(f'{name}: RuntimeError:', operator.group(1) if operator else error)
PROGRAM
export TF_CPP_MIN_LOG_LEVEL=3 TF_USE_LEGACY_KERAS=1
cd "$folder"
venv/bin/python run.py 2>/dev/null | tee seen
diff seen - <<'EXPECTED'
any batch: RuntimeError: BROADCAST_TO
batch of 2: the same as Keras
EXPECTED
