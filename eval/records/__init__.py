"""Measured figures: a record each, and the words and the table that show them."""
