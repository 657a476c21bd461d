"""Several runs side by side: planned, run, summarised, reported."""
