"""Names of the extractors, for command lines that should not wait for JAX."""

from typing import Literal

ExtractorName = Literal[
    "points", "pixels", "coordinates", "kmers", "own", "classifier", "inception", "dinov2"
]
