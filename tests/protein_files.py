"""A small family of proteins in a FASTA file: clades of mutated copies, for tests of distances."""

from pathlib import Path

import numpy as np

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
LENGTH = 40


def mutated(text: str, rng: np.random.Generator, share: float) -> str:
    """The text with this share of its letters drawn anew."""
    drawn = "".join(rng.choice(list(LETTERS), size=len(text)))
    changes = rng.random(len(text)) < share
    return "".join(
        new if change else old for old, new, change in zip(text, drawn, changes, strict=True)
    )


def family(path: Path, clades: int = 6, of_each: int = 3) -> Path:
    """Write clades of close kin, each far from the others: names are of clade and member."""
    rng = np.random.default_rng(0)
    first = "".join(rng.choice(list(LETTERS), size=LENGTH))
    lines = []
    for clade in range(clades):
        root = mutated(first, rng, 0.3 + 0.1 * (clade % 3))
        for member in range(of_each):
            lines.append(f">clade{clade}_{member}\n{mutated(root, rng, 0.1)}\n")
    path.write_text("".join(lines))
    return path
