"""From the bytes of a file to rows that can be trained on: bytes -> Table -> Corpus -> Splits.

Knows neither torch nor gradio; what it needs from a higher room it is handed.
"""
