"""Measurements against named rivals; `python -m tests.bench` runs them all."""
