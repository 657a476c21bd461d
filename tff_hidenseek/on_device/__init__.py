"""Training on devices: a client without TensorFlow, and its server."""
