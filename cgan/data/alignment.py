"""How far apart proteins are: a pseudo-distance from the scores of their best global alignments.

    d(a, b) = 1 - S(a, b) / min(S(a, a), S(b, b)), clipped to [0, 1],

where S is the score of the best alignment (Needleman & Wunsch 1970; affine gaps, Gotoh 1982) by
BLOSUM62 (Henikoff & Henikoff 1992), a gap costing 11 where it opens and 1 for each residue more. It
is 0 for a protein and itself, and need not hold to the triangle's inequality.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8

from cgan.config import ConfigError
from cgan.data import fasta
from cgan.data.progress import shown
from cgan.system.cache import load_arrays, save_arrays
from cgan.system.files import cache_folder

GAP_OPENS, GAP_EXTENDS = -11.0, -1.0
MATRIX = "BLOSUM62"
INSTALL = "pip install biopython"
VERSION = b"1"
"""Version of the recipe, part of the names of files in the cache."""

Codes = UInt8[np.ndarray, " _"]
Scores = Float[np.ndarray, "proteins proteins"]


def distances(proteins: Sequence[Codes]) -> Float[np.ndarray, "proteins proteins"]:
    """The pseudo-distances of all pairs, computed once and kept in the user's cache folder.

    Args:
        proteins: codes of `fasta.RESIDUES`.

    Raises:
        ConfigError: Biopython is not installed.
        BrokenFasta: a protein of too few known residues to have a positive score with itself.
    """
    told = hashlib.sha256(VERSION)
    for codes in proteins:
        told.update(len(codes).to_bytes(8, "little") + codes.tobytes())
    path = cache_folder() / "data" / f"alignments-{told.hexdigest()[:16]}.npz"
    kept = load_arrays(path)
    if kept is not None and "distances" in kept:
        return kept["distances"]
    found = of_scores(scores(proteins))
    save_arrays(path, {"distances": found})
    return found


def of_scores(scores: Scores) -> Float[np.ndarray, "proteins proteins"]:
    """Pseudo-distances of alignment scores.

    >>> of_scores(np.array([[10.0, 4.0], [4.0, 8.0]])).tolist()
    [[0.0, 0.5], [0.5, 0.0]]

    Raises:
        BrokenFasta: a score of one with itself that is not positive.
    """
    own = np.diag(scores)
    if not np.all(own > 0):
        raise fasta.BrokenFasta(
            f"protein {int(np.argmin(own)) + 1} has no score with itself ({own.min():g}); must "
            "have residues that are known"
        )
    return np.clip(1 - scores / np.minimum(own[:, None], own), 0, 1)


def scores(proteins: Sequence[Codes]) -> Scores:
    """Scores of the best alignments of all pairs; milliseconds each, of a thousand residues.

    Raises:
        ConfigError: Biopython is not installed.
    """
    try:
        from Bio.Align import PairwiseAligner, substitution_matrices
    except ImportError as error:
        raise ConfigError(
            f"distances of proteins: need Biopython's aligner ({error}); must be installed: "
            f"{INSTALL}"
        ) from None
    aligner = PairwiseAligner(
        mode="global",
        substitution_matrix=substitution_matrices.load(MATRIX),
        open_gap_score=GAP_OPENS,
        extend_gap_score=GAP_EXTENDS,
    )
    letters = [letters_of(codes) for codes in proteins]
    n = len(letters)
    found = np.zeros((n, n))
    with shown("aligning proteins", n * (n + 1) // 2, of="pairs") as advance:
        for one in range(n):
            for other in range(one, n):
                score = aligner.score(letters[one], letters[other])
                found[one, other] = found[other, one] = score
            advance(n - one)
    return found


def letters_of(codes: Codes) -> str:
    """A protein as its letters, X for what is not known.

    >>> letters_of(np.array([10, 0, 20], np.uint8))
    'MAX'
    """
    alphabet = (fasta.RESIDUES.letters + fasta.RESIDUES.unknown[0]).encode()
    return np.frombuffer(alphabet, np.uint8)[codes].tobytes().decode()
