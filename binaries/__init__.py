"""Programs: the only users of flags."""
