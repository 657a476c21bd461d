"""Keras layers whose weights are frozen and whose signs are trained."""
