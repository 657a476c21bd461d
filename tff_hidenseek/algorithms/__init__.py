"""The algorithms that run in the frame of `learning`, and their table."""
