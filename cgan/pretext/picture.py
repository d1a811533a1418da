"""Pictures of a pretext: questions posed, answers given, and what they were made of."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped, UInt8

from cgan.kinds import IMAGE, Kind
from cgan.pretext.parts import PretextParts, PretextState
from cgan.pretext.task import EMPTY, Gallery, Panels, Trained
from cgan.sampling.pictures import GROUND, PICTURES, Tiles, save_image_grid
from cgan.types import Params, Samples

QUESTIONS = 16
"""Most held-out images in a picture."""
PANELS_A_ROW = 16
"""Most panels side by side, in groups of a power of two."""


class Picture:
    """The picture of a pretraining: the same questions at every point of the run."""

    def __init__(
        self,
        parts: PretextParts,
        held_out: Shaped[np.ndarray, "n *image"],
        train: Shaped[np.ndarray, "m *image"],
    ) -> None:
        """Take images as they are stored: held-out ones to ask, train ones to choose from."""
        self._parts = parts
        encoded = (parts.source.encode(of) for of in (held_out[:QUESTIONS], train))
        self._asked, self._gallery = map(jnp.asarray, encoded)
        self._draw = jax.jit(self._panels)

    def save(self, state: PretextState, path: Path) -> None:
        """Write the picture of a state on the host as a PNG file."""
        shown = (self._asked, self._gallery)
        panels = self._draw(state.trained, state.discriminator_stats, state.step, *shown)
        source = self._parts.source
        tiles, columns = tiled(np.asarray(panels), source.decode, source.kind)
        save_image_grid(path, tiles, columns)

    def _panels(
        self,
        trained: Trained,
        stats: Params,
        step: Int[Array, ""],
        asked: Samples,
        gallery: Gallery,
    ) -> Panels:
        task, rows = self._parts.task, jnp.arange(len(asked))
        posed = task.pose(self._parts.draws("picture", rows, 0, step), asked)
        return task.panels(trained, stats, posed, gallery)


def tiled(
    panels: Float[np.ndarray, "n panels *sample"],
    decode: Callable[[np.ndarray], np.ndarray],
    kind: Kind = IMAGE,
) -> tuple[UInt8[np.ndarray, "tiles height width channels"], int]:
    """Tiles of a picture, and how many make a row: the panels of a question side by side.

    Args:
        panels: as networks see them; those of NaN stay empty, as do those between questions, and
            places of sequences that are NaN are black.
        decode: makes samples as they are stored of them.
        kind: of the samples; those that are no images become pictures as they do elsewhere.
    """
    n, count, *sample = panels.shape
    fitting = [n for n in (2, 4, 8) if n * count <= PANELS_A_ROW and kind == IMAGE]
    a_row = max(fitting, default=1)  # strips are wide
    rows = -(-n // a_row)
    whole = np.full((rows * a_row, count + 1, *sample), EMPTY, panels.dtype)
    whole[:n, :count] = panels
    flat = whole.reshape(rows, a_row * (count + 1), *sample)[:, :-1].reshape(-1, *sample)
    is_empty = np.isnan(flat)
    pixels = decode(np.where(is_empty, 0, flat))
    form = PICTURES[kind]
    if kind != IMAGE and isinstance(form, Tiles):
        nothing = is_empty.all(axis=-1, keepdims=True)
        pixels = form.of(np.where(nothing, np.zeros_like(pixels), pixels))
        is_empty = np.all(is_empty.reshape(len(flat), -1), axis=1).reshape(-1, 1, 1, 1)
    return np.where(is_empty, np.uint8(GROUND), pixels), a_row * (count + 1) - 1
