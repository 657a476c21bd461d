"""A trained model as a file of a few kilobytes, its ticket."""
