"""Client work, vote aggregation and the federated process."""
