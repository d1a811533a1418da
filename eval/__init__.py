"""Evaluation: extractor -> features -> metric -> record. `cgan` never imports this package.

A new metric is a file in `eval/metrics/` and a line in its `catalogue.py`; a new extractor is a
file in `eval/extractors/` and a line in its `__init__.py`; the protocol of a data set is a line in
`protocol.py`.
"""
