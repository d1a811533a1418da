"""The masked pretext of sequences: which letters stand in the stretches that are hidden.

Whole stretches are hidden, since a single letter is told by those beside it. At their places the
discriminator's trunk sees no letter at all, weights of 0 as beyond the ends. A linear map of its
last maps along the sequence, each place of which stands for several letters, and of its features,
which are of all places, gives logits of each letter: no generator takes part. Of proteins the last
letter stands for a residue that is not known, or for none: nobody is asked to name that one.

References:
    Devlin et al. 2019 (BERT, section 3.1: the loss on hidden letters, 15 % of all); Joshi et al.
    2020 (SpanBERT, section 3.1: whole spans of the same share).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from cgan.config import Pretext, require
from cgan.networks import TRUNK, Networks
from cgan.networks.conv1d import RESIDUES
from cgan.pretext.task import (
    EMPTY,
    Answered,
    Draws,
    Gallery,
    Panels,
    Readings,
    Task,
    Terms,
    Trained,
)
from cgan.types import Params, PerSample, RandomKey, Samples

OfLetters = Float[Array, "n length"]


class Spanned(NamedTuple):
    """Sequences with some stretches hidden."""

    sequences: Samples
    mask: OfLetters
    """1 where a letter is hidden, else 0."""


class Guessed(NamedTuple):
    """What was lost by each sequence's letters, and what was right."""

    hidden: PerSample
    """Mean cross-entropy of hidden letters, in nats."""
    visible: PerSample
    """Mean cross-entropy of letters that were to be seen, in nats."""
    correct: PerSample
    """Share of hidden letters that were the likeliest."""
    commonest: PerSample
    """Share of hidden letters that are the commonest to be seen, which takes no learning."""


class MaskedLetters(Task):
    """Name the letters of hidden stretches of a sequence."""

    def __init__(
        self, pretext: Pretext, networks: Networks, sample_shape: tuple[int, ...], reads: int
    ) -> None:
        """Hide stretches of sequences.

        Args:
            pretext: how many letters, in stretches of which length.
            networks: whose discriminator has maps along the sequence.
            sample_shape: of the samples.
            reads: letters of what the discriminator reads, if that is a window of a sample.

        Raises:
            ConfigError: stretches of which a sequence has no room for one and a letter beside it.
        """
        expected = f"less than {reads}, the letters that are read"
        require(pretext.span < reads, "pretext.span", pretext.span, expected)
        self._pretext, self._networks, self._shape = pretext, networks, sample_shape
        self._last = networks.levels[-1].tap
        self._places = 2 ** (len(networks.levels) - 1)
        self.spans = spans_in(reads, pretext.span, pretext.hidden)

    def init_readout(self, key: RandomKey) -> Params:
        """Two linear maps: of a place of the last maps to its letters, and of the features."""
        letters = self._shape[-1]
        outputs = {self._last: self._places * letters, TRUNK: letters}
        keys = jax.random.split(key, len(outputs))
        return {
            tap: _small(part, self._channels(tap), count)
            for part, (tap, count) in zip(keys, outputs.items(), strict=True)
        }

    def pose(self, draws: Draws, images: Samples) -> Spanned:
        """Hide as many stretches of each view, where its own key says."""
        sequences, span = draws.view("one", images), self._pretext.span

        def mask(key: RandomKey) -> Float[Array, " length"]:
            return spans(key, sequences.shape[1], span, self.spans)

        return Spanned(sequences, jax.vmap(mask)(draws.keys("spans")))

    def answer(self, trained: Trained, stats: Params, posed: Spanned) -> Guessed:
        """What is lost by the likelihoods of the right letters, and how many are the likeliest."""
        logits, letters = self.logits(trained, stats, posed), posed.sequences.argmax(axis=-1)
        log_likelihoods = jax.nn.log_softmax(logits)
        of_right = jnp.take_along_axis(log_likelihoods, letters[..., None], axis=-1)[..., 0]
        is_known = known(posed.sequences)
        hidden, visible = posed.mask * is_known, (1 - posed.mask) * is_known
        correct = logits.argmax(axis=-1) == letters
        counts = jnp.sum(jax.nn.one_hot(letters, logits.shape[-1]) * visible[..., None], axis=1)
        common = counts.argmax(axis=-1)[:, None] == letters
        return Guessed(
            _mean(-of_right, hidden),
            _mean(-of_right, visible),
            _mean(correct, hidden),
            _mean(common, hidden),
        )

    def grade(self, learnt: Params, answered: Answered) -> tuple[Terms, Readings]:
        """Both cross-entropies, and the share of hidden letters that are named."""
        local: Guessed = answered.local
        weighted = self._pretext.visible_weight * local.visible
        readings = {
            "accuracy": local.correct.mean(),
            "accuracy_of_commonest": local.commonest.mean(),
            "hidden_loss": local.hidden.mean(),
        }
        return {"hidden": local.hidden, "visible": weighted}, readings

    def panels(self, trained: Trained, stats: Params, posed: Spanned, gallery: Gallery) -> Panels:
        """Each sequence as posed, with its stretches filled in by the likeliest letters, itself."""
        sequences, hidden = posed.sequences, posed.mask[..., None] > 0
        likeliest = self.logits(trained, stats, posed).argmax(axis=-1)
        named = jax.nn.one_hot(likeliest, sequences.shape[-1])
        shown = jnp.where(hidden, EMPTY, sequences)
        return jnp.stack([shown, jnp.where(hidden, named, sequences), sequences], axis=1)

    def logits(
        self, trained: Trained, stats: Params, posed: Spanned
    ) -> Float[Array, "n length letters"]:
        """Logits of each letter at each place, hidden or not."""
        params, (n, length, letters) = trained.discriminator, posed.sequences.shape
        seen = to_be_seen(posed)

        def of(tap: str) -> Float[Array, "n ... outputs"]:
            maps = self._networks.features(params, stats, seen, tap=tap)
            kernel = trained.readout[tap]
            return jnp.matmul(maps, kernel, precision=jax.lax.Precision.HIGHEST)

        by_place = of(self._last).reshape(n, -1, letters)[:, :length]
        return by_place + of(TRUNK)[:, None]

    def _channels(self, tap: str) -> int:
        networks, key = self._networks, jax.random.key(0)
        params, stats = jax.eval_shape(networks.init_discriminator, key)
        sample = jax.ShapeDtypeStruct((1, *self._shape), jnp.float32)

        def maps(params: Params, stats: Params, sample: Samples) -> Float[Array, "1 ..."]:
            return networks.features(params, stats, sample, tap=tap)

        return int(jax.eval_shape(maps, params, stats, sample).shape[-1])


def known(sequences: Samples) -> Bool[Array, "n length"]:
    """Where a letter stands that can be named: a shift of a view leaves places without any."""
    letters = sequences.shape[-1]
    asked = letters - 1 if letters == RESIDUES else letters
    return jnp.any(sequences[..., :asked] != 0, axis=-1)


def to_be_seen(posed: Spanned) -> Samples:
    """What the network sees: at hidden places the weights of all letters are 0."""
    return posed.sequences * (1 - posed.mask[..., None])


def spans_in(length: int, span: int, hidden: float) -> int:
    """How many stretches of a length make up a share of a sequence: one at least, and not all."""
    return int(np.clip(round(hidden * length / span), 1, (length - 1) // span))


def spans(key: RandomKey, length: int, span: int, count: int) -> Float[Array, " length"]:
    """So many stretches that do not overlap, each way to lay them out being as likely.

    The stretches shrunk to a letter each, they are any `count` of `length - count * (span - 1)`.
    """
    shrunk = length - count * (span - 1)
    chosen: Int[Array, " count"] = jnp.sort(jax.random.permutation(key, shrunk)[:count])
    starts = chosen + (span - 1) * jnp.arange(count)
    places = (starts[:, None] + jnp.arange(span)).ravel()
    return jnp.zeros(length).at[places].set(1)


def _small(key: RandomKey, inputs: int, outputs: int) -> Float[Array, "inputs outputs"]:
    return jax.random.normal(key, (inputs, outputs)) * inputs**-0.5


def _mean(values: Array, weights: OfLetters) -> PerSample:
    """Mean of each sequence over the places that count; 0 where none does."""
    return (values * weights).sum(axis=1) / jnp.maximum(weights.sum(axis=1), 1)
