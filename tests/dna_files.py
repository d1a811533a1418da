"""Small genomes in FASTA files, for tests of DNA."""

from pathlib import Path

import numpy as np

PARTNERS = str.maketrans("ACGT", "TGCA")


def other_strand(text: str) -> str:
    """The reverse complement of letters."""
    return text[::-1].translate(PARTNERS)


def letters_of(stored: np.ndarray) -> list[str]:
    """One-hot sequences as letters."""
    assert set(np.unique(stored)) <= {0, 1}
    assert (stored.sum(axis=-1) == 1).all()
    return ["".join("ACGT"[code] for code in row) for row in stored.argmax(axis=-1)]


def genome(shares: tuple[float, ...], n: int = 2_000, seed: int = 0) -> str:
    """Letters drawn one by one, A, C, G and T by their shares."""
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), size=n, p=shares))


RICH, POOR = genome((0.1, 0.4, 0.4, 0.1), seed=1), genome((0.4, 0.1, 0.1, 0.4), seed=2)


def two_genomes(folder: Path) -> Path:
    """A folder of two genomes that their composition tells apart."""
    folder.mkdir()
    for name, text in (("poor", POOR), ("rich", RICH)):
        (folder / f"{name}.fasta").write_text(f">{name} of G and C\n{text}\n")
    return folder
