"""A run is a directory: append-only events that one writer adds and anybody reads. Standard library only."""
