"""Every metric, in the order of the tables, and which of them a set of samples can have.

A new metric is a file in this folder and a line here.
"""

import numpy as np
from jaxtyping import Shaped

from cgan.config import require
from cgan.kinds import DNA, IMAGE, POINT, PROTEIN, SEQUENCE, Kind
from eval.extractors.reader import Reader
from eval.metrics.base import Metric, Need
from eval.metrics.birthday import BIRTHDAY
from eval.metrics.class_accuracy import CLASS_ACCURACY
from eval.metrics.cmmd import CMMD
from eval.metrics.content import CONTENT_KEPT
from eval.metrics.density_coverage import COVERAGE, DENSITY
from eval.metrics.frechet import FRECHET
from eval.metrics.inception_score import INCEPTION_SCORE
from eval.metrics.kernel_distance import KERNEL_DISTANCE, KERNEL_DISTANCE_SUBSETS
from eval.metrics.kmer_spectra import CHARGAFF, KMERS_1, KMERS_2, KMERS_3, KMERS_6
from eval.metrics.memorization import AUTHENTICITY, NEAREST_TRAIN_RATIO
from eval.metrics.modes import CAPTURED_AT_1, CAPTURED_AT_20
from eval.metrics.ms_ssim import MS_SSIM, scales_for
from eval.metrics.ndb import NDB
from eval.metrics.precision_recall import PRECISION, RECALL
from eval.metrics.quality import HIGH_QUALITY, WIDTH_RATIO
from eval.metrics.reverse_kl import REVERSE_KL
from eval.metrics.total_variation import TOTAL_VARIATION
from eval.metrics.vendi import VENDI
from eval.metrics.within_classes import PRECISION_WITHIN, RECALL_WITHIN

MODES = (CAPTURED_AT_1, CAPTURED_AT_20, REVERSE_KL, TOTAL_VARIATION)
"""Metrics of the samples' classes, or modes."""
POINTS = (HIGH_QUALITY, WIDTH_RATIO)
"""Metrics of mixtures whose modes are known."""
SPECTRA = (KMERS_3, KMERS_6, CHARGAFF)
"""Metrics of DNA."""
RESIDUES = (KMERS_1, KMERS_2, KMERS_3)
"""Metrics of proteins: their composition, and spectra of neighbours."""
TOGETHER = (FRECHET, PRECISION, RECALL, DENSITY, COVERAGE, AUTHENTICITY)
"""Metrics of features that are shown together, since any of them alone misleads.

Recall rises when modes are imbalanced, the Frechet distance falls when samples are copied from the
train set, one far real row dominates it, density has no bound.
"""
MORE = (KERNEL_DISTANCE, VENDI, NEAREST_TRAIN_RATIO, NDB, BIRTHDAY)
BY_NAME = (KERNEL_DISTANCE_SUBSETS, CMMD)
"""Metrics of features that are taken only where asked for by name: others say nearly the same."""
OF_KIND: dict[Kind, tuple[Metric, ...]] = {DNA: SPECTRA, PROTEIN: RESIDUES}
"""Metrics of one kind alone."""
LEFT_OUT: dict[Kind, tuple[Metric, ...]] = {
    IMAGE: BY_NAME,
    POINT: BY_NAME + MORE,
    SEQUENCE: BY_NAME,
    DNA: BY_NAME,
    PROTEIN: BY_NAME,
}
"""What is only measured where asked for, by the kind of the samples."""

BY_CLASS = (CLASS_ACCURACY, PRECISION_WITHIN, RECALL_WITHIN)
"""Metrics of samples that were asked for class by class."""
HELD_OUT_ONLY = (NEAREST_TRAIN_RATIO,)
"""Metrics that compare with real samples that were never trained on."""

OF_CLASSES: frozenset[Need] = frozenset({"counts", "labels"})
"""Needs of a metric that a labeller has to read."""

ANY = (
    *MODES,
    *POINTS,
    KMERS_1,
    KMERS_2,
    *SPECTRA,
    *TOGETHER,
    *MORE,
    *BY_NAME,
    *BY_CLASS,
    CONTENT_KEPT,
    INCEPTION_SCORE,
    *MS_SSIM.values(),
)
"""Every metric."""


def require_known(names: tuple[str, ...]) -> None:
    """Refuse names that are no metric's, before anything is read or trained.

    Raises:
        ConfigError: such a name.
    """
    known = [metric.name for metric in ANY]
    for name in names:
        expected = f"'all' alone, or one or more of {', '.join(known)}"
        require(name in known or names == ("all",), "metrics", name, expected)


def need_classes(names: tuple[str, ...]) -> bool:
    """Whether the metrics of these names, `all` or (without a name) the usual ones read classes."""
    if not names or names == ("all",):
        return True
    return any(metric.needs & OF_CLASSES for metric in ANY if metric.name in names)


def offered(
    one: Shaped[np.ndarray, "1 *sample"], reader: Reader, kind: Kind, known_modes: bool = False
) -> dict[str, Metric]:
    """The metrics that samples can have, by name, in the order of the tables.

    Args:
        one: a sample as it is stored.
        reader: what reads its features, and its class if it has one.
        kind: of the sample; features alone are points.
        known_modes: whether its class is a mode of a mixture that is known.
    """
    has_classes, has_logits = reader.labeller is not None, reader(one).logits is not None
    found = (*MODES, *(POINTS if known_modes else ())) if has_classes else ()
    found += OF_KIND.get(kind, ())
    found += (*TOGETHER, *MORE, *BY_NAME)
    if has_logits:
        found += (INCEPTION_SCORE,)
    if kind == IMAGE and (scales := scales_for(*one.shape[1:3])):
        found += (MS_SSIM[scales],)
    return {metric.name: metric for metric in found}


def by_default(metrics: dict[str, Metric], kind: Kind) -> dict[str, Metric]:
    """The metrics that are measured of samples of this kind where nobody asks for others."""
    left_out = {metric.name for metric in LEFT_OUT[kind]}
    return {name: metric for name, metric in metrics.items() if name not in left_out}


def with_content(metrics: dict[str, Metric], reader: Reader) -> dict[str, Metric]:
    """Add the metric of translations of pictures with classes, where a labeller reads those."""
    return metrics | ({} if reader.labeller is None else {CONTENT_KEPT.name: CONTENT_KEPT})


def with_classes(metrics: dict[str, Metric], reader: Reader) -> dict[str, Metric]:
    """Add the metrics of samples asked for by class, so far as their needs are read."""
    read = reader.labeller is not None
    return metrics | {m.name: m for m in BY_CLASS if read or not m.needs & OF_CLASSES}
