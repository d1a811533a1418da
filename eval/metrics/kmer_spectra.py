"""Spectra of k-mers: how often sequences have each stretch of k letters, against real.

The total variation between two spectra,

    TV(q, p) = 1/2 sum_w |q_w - p_w|,

is the share of the k-mers that would have to be others. Two finite sets of real fragments differ
too; what one half of the reals differs from the other by stands beside the value.

Chargaff's second rule: on one strand of a long DNA a k-mer is about as frequent as its reverse
complement (Rudner, Karkas & Chargaff 1968; for k-mers Prabhu 1993). What it is broken by is the
total variation between a spectrum and that of the other strand. It is 0 in the mean where fragments
are read on either strand.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Shaped

from cgan.data import Source
from eval.extractors.kmer_counts import reverse_complements, spectrum
from eval.metrics.base import (
    IMAGES_KEPT,
    Floor,
    Inputs,
    Metric,
    UndefinedError,
    Value,
    floor_of,
    present,
)
from eval.metrics.errors import half_samples

FLOOR_DRAWS = 8
READ_AT_MOST = 20_000
"""Most fragments of either half of the reals."""

Fragments = Shaped[np.ndarray, "n length 4"]
Spectrum = Float[np.ndarray, " kmers"]


def distance(q: Spectrum, p: Spectrum) -> float:
    """The total variation between two spectra.

    >>> distance(np.array([0.5, 0.5, 0.0, 0.0]), np.array([0.0, 0.5, 0.5, 0.0]))
    0.5
    """
    return float(np.abs(q - p).sum() / 2)


def asymmetry(stored: Fragments, k: int) -> float:
    """The total variation between the k-mers of sequences and those of their other strands."""
    shares = spectrum(stored, k)
    return distance(shares, shares[reverse_complements(k)])


def halves(source: Source) -> tuple[Fragments, Fragments]:
    """Fragments of the train split in two parts of random rows, of which no row is in both."""
    rows = np.random.default_rng(0).permutation(len(source))
    middle = len(rows) // 2
    parts = (rows[:middle][:READ_AT_MOST], rows[middle:][:READ_AT_MOST])
    one, other = (np.asarray(source[np.sort(part)].x) for part in parts)
    return one, other


def _drawn(rows: Fragments, n: int, seed: int, of: Callable[[Fragments], float]) -> Floor:
    """The figure of as many samples of these rows: mean and spread of draws."""
    rng, size = np.random.default_rng([seed, n]), min(n, IMAGES_KEPT, len(rows))
    drawn = [rng.choice(len(rows), size, replace=False) for _ in range(FLOOR_DRAWS)]
    return floor_of(np.array([of(rows[chosen]) for chosen in drawn]))


def _kept(inputs: Inputs, k: int) -> Fragments:
    stored = present(inputs.samples.images)
    if stored.shape[1] < k:
        raise UndefinedError(f"sequences of {stored.shape[1]} letters have no {k}-mers")
    return stored


def _of_spectrum(k: int) -> Metric:
    def measure(inputs: Inputs, seed: int) -> Value:
        stored = _kept(inputs, k)
        real = spectrum(halves(present(inputs.source))[0], k)

        def of(rows: Fragments) -> float:
            return distance(spectrum(rows, k), real)

        error = half_samples(lambda half: of(stored[half]), len(stored), seed)
        return Value(of(stored), error, {"k": k}, len(stored))

    def floor(inputs: Inputs, n: int, seed: int) -> Floor:
        one, other = halves(present(inputs.source))
        real = spectrum(one, k)
        return _drawn(other, n, seed, lambda rows: distance(spectrum(rows, k), real))

    return Metric(
        name=f"kmer_total_variation_k{k}",
        label=f"total variation of {k}-mers",
        needs=frozenset({"images"}),
        measure=measure,
        floor=floor,
    )


def _of_chargaff(k: int) -> Metric:
    def measure(inputs: Inputs, seed: int) -> Value:
        stored = _kept(inputs, k)
        error = half_samples(lambda half: asymmetry(stored[half], k), len(stored), seed)
        return Value(asymmetry(stored, k), error, {"k": k}, len(stored))

    def floor(inputs: Inputs, n: int, seed: int) -> Floor:
        other = halves(present(inputs.source))[1]
        return _drawn(other, n, seed, lambda rows: asymmetry(rows, k))

    return Metric(
        name=f"chargaff_total_variation_k{k}",
        label=f"Chargaff's second rule, {k}-mers",
        needs=frozenset({"images"}),
        measure=measure,
        floor=floor,
    )


KMERS_1, KMERS_2, KMERS_3, KMERS_6 = map(_of_spectrum, (1, 2, 3, 6))
CHARGAFF = _of_chargaff(3)
