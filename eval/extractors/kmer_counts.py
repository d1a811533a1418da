"""Counts of k-mers, the stretches of k letters of DNA or of proteins.

A k-mer has a number: its letters as the digits of a number to the base of how many letters there
are; of DNA A to T are the digits 0 to 3. K-mers with the letter of proteins that stands for none,
their last, are not counted. Read on DNA's other strand a k-mer is its reverse complement; the two
are one canonical k-mer.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped

BASES = 4
OF_PROTEINS = 21
"""Letters of proteins."""


def letters_of(stored: Shaped[np.ndarray, "n length letters"]) -> int:
    """Letters that k-mers are of: those of the sequences, but for one that stands for none."""
    letters = stored.shape[-1]
    return letters - 1 if letters == OF_PROTEINS else letters


def numbers(stored: Shaped[np.ndarray, "n length letters"], k: int) -> Int[np.ndarray, "n places"]:
    """The number of the k-mer at each place of one-hot sequences; -1 for one that has none.

    >>> numbers(np.eye(4, dtype=np.uint8)[[[0, 1, 3]]], 2).tolist()  # ACT: AC, CT
    [[1, 7]]
    """
    codes, base = stored.argmax(axis=-1).astype(np.int64), letters_of(stored)
    places = codes.shape[1] - k + 1
    if places < 1:
        raise ValueError(f"sequences of {codes.shape[1]} letters have no {k}-mers")
    found, known = np.zeros((len(codes), places), np.int64), np.ones((len(codes), places), bool)
    for at in range(k):
        found = base * found + codes[:, at : at + places]
        known &= codes[:, at : at + places] < base
    return np.where(known, found, -1)


def reverse_complements(k: int) -> Int[np.ndarray, " kmers"]:
    """The number of each k-mer's reverse complement.

    >>> reverse_complements(1).tolist()
    [3, 2, 1, 0]
    """
    rest, found = np.arange(BASES**k), np.zeros(BASES**k, np.int64)
    for _ in range(k):
        found, rest = BASES * found + (BASES - 1 - rest % BASES), rest // BASES
    return found


def counts(stored: Shaped[np.ndarray, "n length letters"], k: int) -> Int[np.ndarray, "n kmers"]:
    """How often each sequence has each k-mer."""
    kmers, found = letters_of(stored) ** k, numbers(stored, k)
    rows = found + kmers * np.arange(len(stored))[:, None]
    return np.bincount(rows[found >= 0], minlength=kmers * len(stored)).reshape(-1, kmers)


def spectrum(stored: Shaped[np.ndarray, "n length letters"], k: int) -> Float[np.ndarray, " kmers"]:
    """The share of each k-mer among those of all sequences."""
    places = numbers(stored, k)
    found = np.bincount(places[places >= 0], minlength=letters_of(stored) ** k)
    return found / max(found.sum(), 1)


def canonical_frequencies(
    stored: Shaped[np.ndarray, "n length 4"], k: int
) -> Float[np.ndarray, "n kmers"]:
    """The share of each canonical k-mer in each sequence, the same for either strand."""
    found, other = counts(stored, k), reverse_complements(k)
    first = np.flatnonzero(np.arange(len(other)) <= other)
    both = found[:, first] + np.where(other[first] == first, 0, found[:, other[first]])
    return (both / both.sum(axis=1, keepdims=True)).astype(np.float32)
