"""A file's bytes -> Table: what it is, its encoding, its dialect, its header; every row kept or accounted for."""
