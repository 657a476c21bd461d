"""Data sets of images and their division among clients."""
