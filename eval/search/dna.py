"""Scores of DNA: the share of G and C, and how strongly a short motif binds on either strand."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from cgan.data import fasta

ANY = "N"
"""The letter of a motif that each base agrees with."""
LETTERS = fasta.BASES + ANY
MISMATCH = 4.0
"""Factor by which a base that disagrees divides what a place counts."""
MOTIF_AT_MOST = 50
"""Letters of the longest motif."""


def gc(sequences: np.ndarray) -> Float[np.ndarray, " n"]:
    """The share of G and C among the bases of one-hot sequences `[n, length, 4]`."""
    return sequences[..., 1:3].sum(axis=-1, dtype=np.float64).mean(axis=1)


def motif_score(motif: str) -> Callable[[np.ndarray], Float[np.ndarray, " n"]]:
    """A function from one-hot sequences to the log of how often a motif stands in them.

    Each place of either strand counts 1 where all letters agree, and a quarter of it for each base
    that does not, so that what is nearly the motif counts too: a model of binding whose energy is
    a sum over bases (Berg & von Hippel 1987), with the same cost for each mismatch. The natural
    log of the sum over places, so that 0 is one perfect place and next to
    nothing beside it; a motif that is its own reverse complement counts each place twice.

    Args:
        motif: letters A, C, G, T and N, which stands for any base.
    """
    wanted = np.array([[letter in (base, ANY) for base in fasta.BASES] for letter in motif], float)

    def score(sequences: np.ndarray) -> Float[np.ndarray, " n"]:
        places = sequences.shape[1] - len(motif) + 1
        strands = sequences.astype(np.float64), sequences[:, ::-1, ::-1].astype(np.float64)
        found = []
        for strand in strands:
            agree = sum(strand[:, at : at + places] @ of for at, of in enumerate(wanted))
            found.append((agree - len(motif)) * np.log(MISMATCH))
        return np.asarray(logsumexp(np.concatenate(found, axis=1), axis=1))

    return score
