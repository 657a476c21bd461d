"""Execution contexts that run TFF's computations."""
