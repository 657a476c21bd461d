"""HideNseek (https://arxiv.org/abs/2206.04385)."""
