"""The terms of a generator that translates: its output is tied to its input, patch by patch.

Park et al. 2020, "Contrastive learning for unpaired image-to-image translation", equation 5: beside
the game with the discriminator, the patch contrast of each picture with its translation, and of
each picture of the target with its own translation, which should leave it as it is (identity).

A picture's own patches need no other row. Where they are told from those of the batch, vectors are
outputs that the step gathers, as it does the discriminator's.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Int

from cgan.accumulation import Terms
from cgan.config import Translation
from cgan.networks import Networks
from cgan.objectives.patch_contrast import Vectors, within_batch, within_picture
from cgan.types import Params, RowKeys, Samples


class Pair(NamedTuple):
    """Vectors of the places of translations, and of the same places of what they translate."""

    queries: Vectors
    keys: Vectors


Tied = dict[str, Pair]
"""Pairs that the whole batch has to grade, by the names of their terms."""


class PatchContrast:
    """The terms beside the game, of rows by themselves and of the whole batch."""

    def __init__(
        self, settings: Translation, networks: Networks, encode: Callable[[Any], Samples]
    ) -> None:
        """Make the terms.

        Args:
            settings: their weights, and what a patch is told from.
            networks: the pair, whose generator translates.
            encode: turns stored pictures into what it is given.
        """
        self.settings, self.networks, self.encode = settings, networks, encode
        weights = {"patches": settings.patch_weight, "identity": settings.identity_weight}
        self.weights = {name: weight for name, weight in weights.items() if weight}

    def of_rows(
        self, params: Params, keys: RowKeys, given: Samples, translated: Samples, reals: Samples
    ) -> tuple[Tied, Terms]:
        """What the rows' patches say, and the terms that need no other row.

        Args:
            params: of the generator.
            keys: of the places, one for each row.
            given: pictures.
            translated: what the generator makes of them.
            reals: pictures of the target.
        """
        tied: Tied = {}
        if "patches" in self.weights:
            tied["patches"] = self._pair(params, keys, given, translated)
        if "identity" in self.weights:
            itself = self.networks.generate(params, reals)
            tied["identity"] = self._pair(params, keys, reals, itself)
        if self.settings.negatives == "batch":
            return tied, {}
        graded = {
            name: within_picture(*pair, self.settings.temperature) for name, pair in tied.items()
        }
        return {}, self._weighted(graded)

    def of_batch(self, local: Tied, whole: Tied, rows: Int[Array, " n"]) -> Terms:
        """The terms of these rows that need the patches of the whole batch.

        Args:
            local: pairs of these rows.
            whole: those of all.
            rows: which of all these are.
        """
        tau = self.settings.temperature
        graded = {
            name: within_batch(pair.queries, whole[name].keys, rows, tau)
            for name, pair in local.items()
        }
        return self._weighted(graded)

    def _pair(self, params: Params, keys: RowKeys, given: Samples, translated: Samples) -> Pair:
        count = self.settings.patches
        queries = self.networks.patch_vectors(params, translated, keys, count)
        told_by = self.networks.patch_vectors(params, given, keys, count)
        # As in CUT, the vectors of what is given stand still: else they would come to the others.
        return Pair(queries, jax.lax.stop_gradient(told_by))

    def _weighted(self, graded: Terms) -> Terms:
        return {name: self.weights[name] * term for name, term in graded.items()}
