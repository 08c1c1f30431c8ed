"""Emotune: fine-tune a text classifier on your own labelled file, in the browser or from the terminal.

Importing this package loads nothing heavy; torch and transformers come in only when a job needs them.
"""

__version__ = "0.1.0"
