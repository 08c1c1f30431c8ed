"""Vectors of the training rows of a run, by which the rows that are similar to a text are found."""
