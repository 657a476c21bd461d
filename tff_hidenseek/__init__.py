"""HideNseek: federated training of sign masks over frozen weights."""
