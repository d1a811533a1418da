"""The pretext on held-out images: how well it is answered on what was never trained on."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from cgan import parallel
from cgan.pretext.parts import PretextParts, PretextState
from cgan.pretext.task import Answered, Trained
from cgan.types import Params

AT_ONCE = 64
"""Most images that a device answers in one call."""
USE = "held_out"
"""The use of their random numbers: the same views, tiles and patches at every look."""

Rows = tuple[Int[Array, " n"], Shaped[Array, "n *image"]]


class HeldOut:
    """Held-out images of a pretraining, posed alike at every look."""

    def __init__(
        self,
        parts: PretextParts,
        images: Shaped[np.ndarray, "n *image"],
        devices: Sequence[jax.Device],
        classes: Int[np.ndarray, " n"] | None = None,
    ) -> None:
        """Place the images.

        Args:
            parts: of the pretraining.
            images: held-out ones, as they are stored.
            devices: those that train.
            classes: of the images, for a task that is told them.
        """
        self._parts, self._devices, own = parts, devices, parallel.own(devices)
        local = len(parallel.own_rows(parts.config.batch_size, devices))
        at_once = min(local // parts.config.micro_batches, AT_ONCE * len(own))
        at_once = -(-at_once // len(own)) * len(own)
        self._size, self._first, self._classes = len(images), own[0], classes
        numbers = np.arange(len(images), dtype=np.int32)
        self._rows: list[Rows] = parallel.chunks((numbers, images), at_once)
        self._answer = parallel.spread(self._answered, own)
        self._grade = jax.jit(self._graded)

    def look(self, state: PretextState) -> dict[str, Float[Array, ""]]:
        """Start to answer and grade them on the devices; does not wait."""
        asked = (state.trained, state.discriminator_stats, state.step)
        asked, learnt = parallel.own_copy((asked, state.learnt), self._devices)
        pieces = jax.device_put([self._answer(asked, rows) for rows in self._rows], self._first)
        return self._grade(jax.device_put(learnt, self._first), pieces)

    def _answered(self, asked: tuple[Trained, Params, Int[Array, ""]], rows: Rows) -> Any:
        parts, (trained, stats, step) = self._parts, asked
        draws = parts.draws(USE, rows[0], 0, step)
        posed = parts.task.pose(draws, parts.source.encode(rows[1]))
        return parts.task.answer(trained, stats, posed)

    def _graded(self, learnt: Params, pieces: list[Any]) -> dict[str, Float[Array, ""]]:
        answers = jax.tree.map(lambda *of: jnp.concatenate(of)[: self._size], *pieces)
        classes = None if self._classes is None else jnp.asarray(self._classes)
        rows = jnp.arange(self._size)
        everyone = Answered(answers, answers, rows, classes, classes)
        terms, readings = self._parts.task.grade(learnt, everyone)
        loss = sum((term.mean() for term in terms.values()), start=jnp.zeros(()))
        return {"held_out/loss": loss} | {f"held_out/{n}": of for n, of in readings.items()}
