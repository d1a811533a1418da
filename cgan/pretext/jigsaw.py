"""The jigsaw: in which of some orders the tiles of an image are.

The tiles of an image are put in one of a few orders, far from each other, and the discriminator's
trunk looks at the whole picture; a linear map of its features says which order it is. A tile loses
a margin of random widths on either side, and its own mean and contrast: the edges and tones of
neighbours would tell more than what is in them.

References:
    Noroozi and Favaro 2016 (Unsupervised learning of visual representations by solving jigsaw
    puzzles, sections 3 and 4.2: far-apart orders, gaps, normalised tiles), where each tile has a
    network; Baykal and Unal 2020 (DeshuffleGAN), where a discriminator sees them all.
"""

import math
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from cgan.config import Pretext, require
from cgan.networks import Networks
from cgan.pretext.task import (
    Answered,
    Draws,
    Gallery,
    Panels,
    Readings,
    Task,
    Terms,
    Trained,
    init_linear,
    linear,
)
from cgan.types import Params, PerSample, RandomKey, Samples

Image = Float[Array, "height width channels"]
Tiles = Float[Array, "tiles tile_height tile_width channels"]
Orders = Int[np.ndarray, "orders tiles"]

USUAL_ORDERS = 30
CANDIDATES = 2**17
"""Orders that are looked through where all of them are too many."""
ALL_AT_MOST = math.factorial(9)
FLAT = 0.1
"""Standard deviation of pixels, of a range of 2, by which flat tiles are divided as others are."""
CONTRAST = 0.5
"""Standard deviation of a tile's pixels as it is posed."""
LEAST_SIDE = 2
"""Fewest pixels of a side that tiles must have left."""


class Puzzles(NamedTuple):
    """Images in tiles, as they are posed."""

    posed: Samples
    order: Int[Array, " n"]
    """Numbers of the orders that the tiles are in."""
    images: Samples
    """Images that the tiles were cut of."""


class Judged(NamedTuple):
    """Cross-entropy of each puzzle's order, and 1 where the likeliest is the right one."""

    loss: PerSample
    correct: PerSample


class Jigsaw(Task):
    """Say in which order the tiles of an image are."""

    def __init__(self, pretext: Pretext, networks: Networks, sample_shape: tuple[int, ...]) -> None:
        """Cut images of this shape.

        Raises:
            ConfigError: tiles that do not divide it, or of which too little is left.
        """
        self.tiles = pretext.tiles
        self.gap = _gap(pretext, sample_shape)
        self.orders = far_apart(self.tiles**2, _count(pretext))
        self._networks, self._shape = networks, sample_shape

    def init_readout(self, key: RandomKey) -> Params:
        """A linear map from the trunk's features to a logit for each order."""
        return init_linear(self._networks, self._shape, key, len(self.orders))

    def pose(self, draws: Draws, images: Samples) -> Puzzles:
        """Cut views of images into tiles, and put these in an order drawn for each."""
        views = draws.view("one", images)
        orders = jnp.asarray(self.orders)
        posed, order = jax.vmap(partial(posed_puzzle, orders, self.tiles, self.gap))(
            draws.keys("tiles"), views
        )
        return Puzzles(posed, order, views)

    def answer(self, trained: Trained, stats: Params, posed: Puzzles) -> Judged:
        """What is lost by the likelihood of the right order, and whether it is the likeliest."""
        logits = self._logits(trained, stats, posed)
        of_right = jnp.take_along_axis(jax.nn.log_softmax(logits), posed.order[:, None], axis=1)
        correct = logits.argmax(axis=1) == posed.order
        return Judged(-of_right[:, 0], correct.astype(jnp.float32))

    def grade(self, learnt: Params, answered: Answered) -> tuple[Terms, Readings]:
        """Cross-entropy over the orders; accurate is who puts the right one first."""
        local: Judged = answered.local
        return {"cross_entropy": local.loss}, {"accuracy": local.correct.mean()}

    def panels(self, trained: Trained, stats: Params, posed: Puzzles, gallery: Gallery) -> Panels:
        """Each puzzle as posed, its tiles as they are in the order that is answered, the image."""
        answers = self._logits(trained, stats, posed).argmax(axis=1)
        orders = jnp.asarray(self.orders)
        put = jnp.take_along_axis(orders[posed.order], jnp.argsort(orders[answers], axis=1), axis=1)
        solved = jax.vmap(partial(reordered, self.tiles))(posed.images, put)
        return jnp.stack([posed.posed, solved, posed.images], axis=1)

    def _logits(self, trained: Trained, stats: Params, posed: Puzzles) -> Float[Array, "n orders"]:
        features = self._networks.features(trained.discriminator, stats, posed.posed)
        return linear(trained.readout, features)


def posed_puzzle(
    orders: Int[Array, "orders tiles"], tiles: int, gap: int, key: RandomKey, image: Image
) -> tuple[Image, Int[Array, ""]]:
    """A puzzle made of one image, and the number of the order that its tiles are in.

    Place `p` of the puzzle shows tile `order[p]` of the image: a window of it, smaller by the gap
    and at a random place in it, with its own mean taken off and its contrast made even. Around it
    is grey.

    Args:
        orders: to draw one from.
        tiles: along each side of the image, which they divide.
        gap: pixels that a window is smaller than its tile.
        key: of all that is random.
        image: in [-1, 1].
    """
    of_order, of_windows = jax.random.split(key)
    order = jax.random.randint(of_order, (), 0, len(orders))
    cut = in_tiles(image, tiles)
    size = (cut.shape[1] - gap, cut.shape[2] - gap, cut.shape[3])
    corners = jax.random.randint(of_windows, (len(cut), 2), 0, gap + 1)

    def window(tile: Image, corner: Int[Array, "2"]) -> Float[Array, "_ _ channels"]:
        return jax.lax.dynamic_slice(tile, (corner[0], corner[1], 0), size)

    windows = jax.vmap(window)(cut, corners)
    margin = (gap // 2, gap - gap // 2)
    framed = jnp.pad(evened(windows), [(0, 0), margin, margin, (0, 0)])
    return out_of_tiles(framed[orders[order]], tiles), order


def evened(windows: Tiles) -> Tiles:
    """Windows of mean 0 and of one contrast; those that are nearly flat stay so."""
    mean = windows.mean(axis=(1, 2, 3), keepdims=True)
    variance = windows.var(axis=(1, 2, 3), keepdims=True)
    return CONTRAST * (windows - mean) / jnp.sqrt(variance + FLAT**2)


def in_tiles(image: Image, tiles: int) -> Tiles:
    """The tiles of an image, row by row."""
    height, width, channels = image.shape
    cut = image.reshape(tiles, height // tiles, tiles, width // tiles, channels)
    return cut.swapaxes(1, 2).reshape(tiles**2, height // tiles, width // tiles, channels)


def out_of_tiles(cut: Tiles, tiles: int) -> Float[Array, "height width channels"]:
    """An image of its tiles: the inverse of `in_tiles`."""
    _, height, width, channels = cut.shape
    rows = cut.reshape(tiles, tiles, height, width, channels).swapaxes(1, 2)
    return rows.reshape(tiles * height, tiles * width, channels)


def reordered(tiles: int, image: Image, order: Int[Array, " tiles"]) -> Image:
    """An image whose place `p` shows the tile that was at `order[p]`."""
    return out_of_tiles(in_tiles(image, tiles)[order], tiles)


@lru_cache
def far_apart(places: int, count: int) -> Orders:
    """Orders of so many things, chosen one by one to be far from those before.

    The next one has the largest distance to its nearest, by the number of places that differ
    (Hamming), and of those the largest sum of distances; of these the first. It begins with the
    order in which nothing has moved. Of more than 9 things it is chosen among 131,072 random ones.

    Args:
        places: how many things.
        count: how many orders; no more than there are.
    """
    candidates = np.ascontiguousarray(_candidates(places).T)  # sums are faster along the first axis
    nearest = np.full(candidates.shape[1], places, np.int32)
    total = np.zeros_like(nearest)
    chosen = [0]
    while len(chosen) < count:
        newest = candidates[:, chosen[-1], None]
        distances = (candidates != newest).sum(axis=0, dtype=np.int32)
        nearest, total = np.minimum(nearest, distances), total + distances
        chosen.append(int(np.argmax(nearest * (places * count + 1) + total)))
    return candidates.T[chosen].astype(np.int32)


def _candidates(places: int) -> Int[np.ndarray, "candidates places"]:
    """All orders of so many things, or many random ones; the first has moved nothing."""
    if math.factorial(places) <= ALL_AT_MOST:
        return _permutations(places)
    still = np.arange(places, dtype=np.int8)
    drawn = np.random.default_rng(0).permuted(np.tile(still, (CANDIDATES, 1)), axis=1)
    return np.concatenate([still[None], drawn])


def _permutations(places: int) -> Int[np.ndarray, "permutations places"]:
    """All orders of so many things, the alphabetic order of them: each first, then the others'."""
    if places == 1:
        return np.zeros((1, 1), np.int8)
    others = _permutations(places - 1)
    return np.concatenate(
        [np.insert(others + (others >= first), 0, first, axis=1) for first in range(places)]
    ).astype(np.int8)


def _count(pretext: Pretext) -> int:
    there = math.factorial(pretext.tiles**2)
    if pretext.orders is None:
        return min(USUAL_ORDERS, there)
    expected = f"at most {there}, the orders of {pretext.tiles}x{pretext.tiles} tiles"
    require(pretext.orders <= there, "pretext.orders", pretext.orders, expected)
    return pretext.orders


def _gap(pretext: Pretext, sample_shape: tuple[int, ...]) -> int:
    """Pixels of a tile's sides that are left out."""
    height, width, _ = sample_shape
    tiles, of = pretext.tiles, f"{height}x{width}"
    fitting = [n for n in (2, 3, 4) if not (height % n or width % n)]
    fitting = [n for n in fitting if min(height, width) // n > LEAST_SIDE]
    expected = f"one of {', '.join(map(str, fitting)) or 'none'} for images of {of}"
    require(tiles in fitting, "pretext.tiles", tiles, expected)
    side = min(height, width) // tiles
    gap = max(1, side // 4) if pretext.gap is None else pretext.gap
    expected = f"at most {side - LEAST_SIDE}: of {side} pixels of a tile {LEAST_SIDE} must be left"
    require(gap <= side - LEAST_SIDE, "pretext.gap", gap, expected)
    return gap
