"""What is searched for, by name: a score of samples. A new one is a file, and a line in `SCORES`.

A score reads samples in their stored form, and gives each a number, of which large ones are wanted.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from cgan.config import ConfigError, require
from cgan.data.abilities import whole_of
from cgan.data.digits import StackedDigits
from cgan.kinds import DNA, IMAGE, Kind
from cgan.sampling.labels import find_class
from cgan.sampling.runs import Run
from eval.dataset.protocol import protocol_of
from eval.extractors import load_extractor
from eval.search import dna, given
from eval.splits import Splits

FULL = 255


class Score(NamedTuple):
    """A score of samples, and how people and files call it."""

    name: str
    """Name in files, and of the folder written to."""
    meaning: str
    """Words for what the score is."""
    fingerprint: str
    """A hash, or a version, of all that its values depend on."""
    of: Callable[[np.ndarray], np.ndarray]
    """Samples as they are stored, `[n, ...]`, to a number for each."""

    def values(self, samples: np.ndarray) -> Float[np.ndarray, " n"]:
        """The score of each sample.

        Raises:
            ConfigError: what it gave is not a finite number for each.
        """
        given = self.of(samples)
        wanted = f"a finite number for each of {len(samples)} samples"
        try:
            found = np.asarray(given)
        except (TypeError, ValueError):
            what = type(given).__name__
            message = f"gave a {what} that is no array; must give {wanted}"
            raise ConfigError(f"score = {self.name!r}: {message}") from None
        is_numbers = found.dtype.kind in "fiub" and found.shape == (len(samples),)
        if not is_numbers:
            what = f"{found.dtype} {list(found.shape)}"
            raise ConfigError(f"score = {self.name!r}: gave {what}; must give {wanted}")
        if not np.isfinite(found).all():
            raise ConfigError(f"score = {self.name!r}: gave {found.min()}; must give {wanted}")
        return found.astype(np.float64)


class Asked(NamedTuple):
    """What a score may be made of."""

    run: Run
    splits: Callable[[], Splits]
    """Reads the data that the run learnt, for those that need it."""
    class_: str | None
    """The class that a user named."""
    motif: str | None = None
    """The motif that a user gave."""


def ink(asked: Asked) -> Score:
    """The mean level of the pixels, from 0 to 1: ink, where strokes are light on a dark ground.

    Raises:
        ConfigError: the run's samples are no images.
    """
    _require_kind("ink", asked, IMAGE)

    def mean_level(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1).mean(axis=1, dtype=np.float64) / FULL

    return Score("ink", "mean level of the pixels", "1", mean_level)


def gc(asked: Asked) -> Score:
    """The share of G and C among a sequence's bases.

    Raises:
        ConfigError: the run's samples are no DNA.
    """
    _require_kind("gc", asked, DNA)
    return Score("gc", "share of G and C", "1", dna.gc)


def motif(asked: Asked) -> Score:
    """How strongly a short motif binds to a sequence: see `eval.search.dna.motif_score`.

    Raises:
        ConfigError: the run's samples are no DNA, or no motif was given that fits them.
    """
    _require_kind("motif", asked, DNA)
    require(asked.motif is not None, "motif", None, "given with score = 'motif', such as TATAAT")
    letters = str(asked.motif).upper()
    length = asked.run.sampler.parts.source.sample_shape[0]
    most = min(dna.MOTIF_AT_MOST, length)
    expected = f"from 1 to {most} letters A, C, G, T, or N for any of these"
    fits = 1 <= len(letters) <= most and not set(letters) - set(dna.LETTERS)
    require(fits, "motif", asked.motif, expected)
    meaning = f"log of how often {letters} stands on either strand"
    return Score(f"motif-{letters}", meaning, "1", dna.motif_score(letters))


def _require_kind(name: str, asked: Asked, kind: Kind) -> None:
    source = asked.run.sampler.parts.source
    if source.kind != kind:
        raise ConfigError(
            f"score = {name!r}: reads {kind.plural}, and {source.name} holds "
            f"{source.kind.plural}; must be a Python file, or a score of such samples"
        )


def probability(asked: Asked) -> Score:
    """A classifier's probability of one class, as log-odds, `log p - log (1 - p)`.

    The classifier is the data set's own, which evaluations count modes with. Log-odds put samples
    in the same order, and tell those apart whose probability rounds to 1.

    Raises:
        ConfigError: no class was named, or there is none, or no classifier with probabilities.
    """
    require(asked.class_ is not None, "class", None, "given with score = 'probability'")
    train, held_out = asked.splits()
    train = whole_of(train)
    known = protocol_of(train).labeller == "classifier" and not isinstance(train, StackedDigits)
    expected = f"'ink' or a Python file: nothing tells probabilities of classes of {train.name}"
    require(known, "score", "probability", expected)
    number = find_class(train.class_names, str(asked.class_))
    classifier = load_extractor("classifier", Splits(train, held_out))

    def log_odds(samples: np.ndarray) -> np.ndarray:
        logits = classifier(samples).logits
        assert logits is not None
        exact = logits.astype(np.float64)
        return exact[:, number] - logsumexp(np.delete(exact, number, axis=1), axis=1)

    of_class = f"log-odds of class {train.class_names[number]} by the classifier"
    mark = f"{number} {classifier.fingerprint}"
    return Score(f"probability-{number}", of_class, mark, log_odds)


SCORES: dict[str, Callable[[Asked], Score]] = {
    "ink": ink,
    "probability": probability,
    "gc": gc,
    "motif": motif,
}


def folder_name(score: Score, class_: str | None) -> str:
    """The folder of a score's searches: of each class that is asked for another one."""
    if class_ is None or score.name.startswith("probability-"):
        return score.name
    return f"{score.name}-{''.join(of if of.isalnum() else '_' for of in class_)}"


def load(name: str, asked: Asked) -> Score:
    """The score of this name, or the one that a Python file defines.

    Raises:
        ConfigError: there is none, or it can't read this run's samples.
    """
    unread = asked.class_ is not None and name != "probability" and not asked.run.has_classes
    expected = f"left out with score = {name!r}, for a run that learnt without labels"
    require(not unread, "class", asked.class_, expected)
    expected = f"left out with score = {name!r}, which looks for none"
    require(asked.motif is None or name == "motif", "motif", asked.motif, expected)
    if name in SCORES:
        return SCORES[name](asked)
    expected = f"one of {', '.join(SCORES)}, or a Python file with a function `score`"
    require(name.endswith(".py"), "score", name, expected)
    file = given.load(name)
    stem = file.path.stem
    expected = f"a file of another name, since {stem} is a score of its own"
    require(stem not in SCORES, "score", name, expected)
    meaning = f"score of {file.path.name}"
    return Score(file.path.stem, meaning, file.fingerprint, file.function)
