"""Counts of k-mers, the stretches of k bases of DNA.

A k-mer has a number: its bases, A to T, as the digits 0 to 3 of a number to the base 4. Read on the
other strand it is its reverse complement; the two are one canonical k-mer.
"""

import numpy as np
from jaxtyping import Float, Int, Shaped

BASES = 4


def numbers(stored: Shaped[np.ndarray, "n length 4"], k: int) -> Int[np.ndarray, "n places"]:
    """The number of the k-mer at each place of one-hot sequences.

    >>> numbers(np.eye(4, dtype=np.uint8)[[[0, 1, 3]]], 2).tolist()  # ACT: AC, CT
    [[1, 7]]
    """
    codes = stored.argmax(axis=-1).astype(np.int64)
    places = codes.shape[1] - k + 1
    if places < 1:
        raise ValueError(f"sequences of {codes.shape[1]} bases have no {k}-mers")
    found = np.zeros((len(codes), places), np.int64)
    for at in range(k):
        found = BASES * found + codes[:, at : at + places]
    return found


def reverse_complements(k: int) -> Int[np.ndarray, " kmers"]:
    """The number of each k-mer's reverse complement.

    >>> reverse_complements(1).tolist()
    [3, 2, 1, 0]
    """
    rest, found = np.arange(BASES**k), np.zeros(BASES**k, np.int64)
    for _ in range(k):
        found, rest = BASES * found + (BASES - 1 - rest % BASES), rest // BASES
    return found


def counts(stored: Shaped[np.ndarray, "n length 4"], k: int) -> Int[np.ndarray, "n kmers"]:
    """How often each sequence has each k-mer."""
    kmers = BASES**k
    rows = numbers(stored, k) + kmers * np.arange(len(stored))[:, None]
    return np.bincount(rows.ravel(), minlength=kmers * len(stored)).reshape(-1, kmers)


def spectrum(stored: Shaped[np.ndarray, "n length 4"], k: int) -> Float[np.ndarray, " kmers"]:
    """The share of each k-mer among those of all sequences."""
    found = np.bincount(numbers(stored, k).ravel(), minlength=BASES**k)
    return found / found.sum()


def canonical_frequencies(
    stored: Shaped[np.ndarray, "n length 4"], k: int
) -> Float[np.ndarray, "n kmers"]:
    """The share of each canonical k-mer in each sequence, the same for either strand."""
    found, other = counts(stored, k), reverse_complements(k)
    first = np.flatnonzero(np.arange(len(other)) <= other)
    both = found[:, first] + np.where(other[first] == first, 0, found[:, other[first]])
    return (both / both.sum(axis=1, keepdims=True)).astype(np.float32)
