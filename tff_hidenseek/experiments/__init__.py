"""Configs, training loops, checkpoints and reports."""
