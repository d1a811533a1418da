"""Names of extractors and of search methods, for command lines that should not wait for JAX."""

from typing import Literal

ExtractorName = Literal[
    "points", "pixels", "coordinates", "kmers", "own", "classifier", "inception", "dinov2"
]
MethodName = Literal["bayes", "random", "sobol", "cmaes"]
"""How a search chooses its points: by a Gaussian process, or without one."""
