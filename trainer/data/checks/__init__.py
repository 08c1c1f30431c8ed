"""What is odd in a file, and how each of it is repaired."""
