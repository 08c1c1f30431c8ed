"""The documents that the code writes and tests: tables between markers, examples that run, pictures."""
