"""Reads untrusted files in child processes with limited memory and time; the children run data/files."""
