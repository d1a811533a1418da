"""Evaluation: extractor -> features -> metric -> record. `cgan` never imports this package.

A new metric is a file in `eval/metrics/` and a line in `METRICS`; a new extractor is a file in
`eval/extractors/` and a line in `EXTRACTORS`; a new data set is a line in `LITERATURE`.
"""
