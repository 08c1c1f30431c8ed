"""Checks: what may be wrong with a file's rows, texts and labels, and the repair of each."""
