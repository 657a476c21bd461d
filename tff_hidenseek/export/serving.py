"""The signature of every exported model: the same names in all formats."""

import tensorflow as tf

SIGNATURE = 'serving_default'
INPUT = 'images'
OUTPUT = 'logits'


def save(model: tf.keras.Model, path: str) -> None:
  """Saves a SavedModel whose one signature takes any number of images.

  Args:
    model: A Keras model from float32 images to logits.
    path: The folder, which does not exist yet.
  """

  @tf.function
  def serve(images):
    return {OUTPUT: model(images, training=False)}

  images = tf.TensorSpec([None, *model.input_shape[1:]], tf.float32, INPUT)
  tf.saved_model.save(
      model, path, {SIGNATURE: serve.get_concrete_function(images)}
  )
