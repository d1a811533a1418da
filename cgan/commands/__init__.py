"""The command lines, one a file; `python -m cgan.NAME` opens them."""
