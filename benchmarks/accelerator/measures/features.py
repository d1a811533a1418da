"""Inception features a second, with the published weights where they are, else with random ones."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.accelerator.part import NOTE, Facts, Measure
from benchmarks.flops import flops
from cgan.config import ConfigError
from eval.extractors import inception
from eval.extractors.image_network import ImageNetwork
from eval.extractors.inception_network import SIDE

IMAGES, TINY_IMAGES = 5120, 4
IMAGE_SIDE = 32


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """The one row is the extractor's."""

    def measure(row: str) -> Iterator[Facts]:
        network, note = _network()
        if tiny:
            network = network.with_batch_size(2)
        count = TINY_IMAGES if tiny else IMAGES
        rng = np.random.default_rng(0)
        images = rng.integers(256, size=(count, IMAGE_SIDE, IMAGE_SIDE, 3), dtype=np.uint8)
        start = time.perf_counter()
        network(images[:1])  # a batch, with padding
        between = time.perf_counter()
        network(images)
        rate = count / (time.perf_counter() - between)
        one = jax.ShapeDtypeStruct((1, SIDE, SIDE, 3), jnp.float32)
        of_image = flops(jax.make_jaxpr(network.apply)(network.params, one).jaxpr)
        yield {
            "images": count,
            "images_s": rate,
            "tflops": rate * of_image / 1e12,
            "compile_sec": between - start,
            NOTE: note,
        }

    return measure


def _network() -> tuple[ImageNetwork, str]:
    """The network, and which weights it has."""
    try:
        return inception.load(), "published weights"
    except ConfigError:
        pass
    rng = np.random.default_rng(0)
    state = {
        key: 0.05 * rng.random(shape, dtype=np.float32) + np.float32(key.endswith("running_var"))
        for key, shape in inception.expected_shapes().items()
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "random.npz"
        np.savez(file, allow_pickle=False, **state)
        return inception.load(file), "random weights: the published ones are not there"
