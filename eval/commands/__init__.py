"""The command lines of `python -m eval`, one a file: parse, call, print."""
