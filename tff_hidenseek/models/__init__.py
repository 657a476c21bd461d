"""Image classifiers, built dense or sign-masked from the same code."""
