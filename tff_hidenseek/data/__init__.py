"""Image datasets and their partitions over clients."""
