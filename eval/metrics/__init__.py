"""Metrics: pure functions on what was gathered of samples. `catalog.py` lists them."""
