"""A network for photographs that was trained elsewhere, as an extractor.

Images of any size are made square, then read in batches of one shape: the network is compiled once,
and the small resize once for each size of image.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from cgan import parallel
from cgan.config import ConfigError
from cgan.types import Params
from eval.extractors.base import Features, images_at_once
from eval.extractors.resize import Resize

CPU_BATCH = 32
ACCELERATOR_BATCH = 256

Images = UInt8[Array, "n height width channels"]
Squares = Float[Array, "n side side 3"]


class Read(NamedTuple):
    """Features, and logits where there are any, that a network makes of n images."""

    features: Float[Array, "n d"]
    logits: Float[Array, "n classes"] | None = None


@dataclass(frozen=True)
class ImageNetwork:
    """Extractor of uint8 images, grey or RGB, of any size (one size a call)."""

    name: str
    fingerprint: str
    params: Params
    apply: Callable[..., Any]
    """The network's function from parameters and RGB squares (grey levels 0..255) to a `Read`."""
    resize: Callable[[int, int], Resize]
    """Function from an image's height and width to the weights that make it square."""
    resized: Callable[[Resize, Images], Float[Array, "n side side channels"]]
    batch_size: int | None = None
    """Images read at once, rounded up to a multiple of the devices; None: by kind of device."""
    accuracy: float | None = None

    def with_batch_size(self, batch_size: int) -> "ImageNetwork":
        """A copy of this extractor that reads so many images at once."""
        return replace(self, batch_size=batch_size)

    @cached_property
    def _devices(self) -> list[jax.Device]:
        return jax.local_devices()

    @cached_property
    def _batch_size(self) -> int:
        wanted = self.batch_size
        return images_at_once(wanted or CPU_BATCH, wanted or ACCELERATOR_BATCH)

    @cached_property
    def _square(self) -> Callable[[Resize, np.ndarray], Array]:
        def square(weights: Resize, images: Images) -> Squares:
            channels = self.resized(weights, images)
            return jnp.broadcast_to(channels, (*channels.shape[:3], 3))

        return parallel.spread(square, self._devices)

    @cached_property
    def _apply(self) -> Callable[[Array], Read]:
        params = parallel.replicate(self.params, self._devices)
        read = parallel.spread(self.apply, self._devices)
        return lambda squares: read(params, squares)

    def __call__(self, stored: UInt8[np.ndarray, "n height width channels"]) -> Features:
        """Read features, and logits where the network has classes.

        Raises:
            ConfigError: images with other than one or three channels.
        """
        n, height, width, channels = stored.shape
        if channels not in (1, 3):
            given = f"extractor = {self.name!r}: images have {channels} channels"
            raise ConfigError(f"{given}; must be 1 (grey) or 3 (RGB)")
        weights = self.resize(height, width)
        features, logits = [], []
        # At least one batch, of padding alone if need be: it tells the widths of an empty result.
        for start in range(0, max(n, 1), self._batch_size):
            images = stored[start : start + self._batch_size]
            padding = [(0, self._batch_size - len(images)), (0, 0), (0, 0), (0, 0)]
            read = jax.device_get(self._apply(self._square(weights, np.pad(images, padding))))
            features.append(read.features[: len(images)])
            if read.logits is not None:
                logits.append(read.logits[: len(images)])
        return Features(np.concatenate(features), logits=np.concatenate(logits) if logits else None)
