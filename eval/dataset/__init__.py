"""A data set as it is evaluated: its protocol, its reference, what reads it, and noise."""
