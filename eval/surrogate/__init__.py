"""Surrogate models of a target with few points, helped by a source with many: errors by method."""
