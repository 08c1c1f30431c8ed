"""Judging a trained model on the labelled rows of another file, kept beside its run."""
