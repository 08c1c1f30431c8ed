"""Changes cells of a file of any supported format in its own bytes, in the reader's child process; every other byte stays."""
