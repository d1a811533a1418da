"""Metrics: pure functions on what was gathered of samples. `catalogue.py` lists them."""
