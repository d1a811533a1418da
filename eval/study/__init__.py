"""Studies: a grid of variants, benchmarks and seeds, trained with equal budgets and measured alike.

Data flows one way: declaration -> plan -> runs -> rows of a file -> summary -> table, plot, page.
A study is a file in `studies/` and a line in its `__init__.py`.
"""
