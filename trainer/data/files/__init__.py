"""Reads the bytes of a file as a Table: format, encoding, dialect, header; every row is kept or dropped with a reason."""
