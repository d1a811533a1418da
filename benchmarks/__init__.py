"""Measurements that back the project's claims; each file is a command that prints a table."""
