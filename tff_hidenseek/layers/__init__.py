"""Keras layers whose only trainable state is a score for each kept weight."""
