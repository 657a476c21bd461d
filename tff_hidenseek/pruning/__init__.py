"""Saliency, and the masks drawn from it before training."""
