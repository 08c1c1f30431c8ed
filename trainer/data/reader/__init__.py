"""Bytes from outside become tables in a process of its own, which may take only so much memory and time; files/ is what it runs."""
