"""Trained models as files for devices."""
