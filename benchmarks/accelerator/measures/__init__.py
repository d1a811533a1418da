"""What the parts measure, a file for each kind: `prepare(rows, tiny)` returns what measures a row.

With `tiny` all sizes are such that a CPU gets through in a moment; figures mean nothing then.
"""
