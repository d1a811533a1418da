"""What is read of samples, and by which extractors."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from eval.extractors.base import Extractor, Features


@dataclass(frozen=True)
class Reader:
    """What is read of samples: features by one extractor, classes by the same or another one."""

    extractor: Extractor
    labeller: Extractor | None = None
    """What reads the samples' classes; None where they have none."""
    classes: int = 0

    def __call__(self, stored: Shaped[np.ndarray, "n *sample"]) -> Features:
        """Features, with labels where there is a labeller."""
        read = self.extractor(stored)
        if self.labeller is None:
            return read._replace(labels=None)
        if self.labeller is not self.extractor:
            read = read._replace(labels=self.labeller(stored).labels)
        return read
