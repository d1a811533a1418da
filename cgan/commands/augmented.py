"""Draw views of images: `python -m cgan.augmented --policy ada --p 0.8 --out augmented.png`."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from cgan.config import Augment, Data, PolicyName, require, require_seed
from cgan.datasets import DATASETS
from cgan.kinds import IMAGE
from cgan.system import cli, terminal
from cgan.system.arguments import parse

AT_MOST = 64
"""Most rows in a picture, and most views in one row."""


@dataclass(frozen=True)
class Arguments:
    """Draw images of a data set, each beside random views of it, as a discriminator sees them."""

    out: Path
    """File to write: .png."""
    data: Data = field(default_factory=Data)
    policy: PolicyName = "ada"
    """Kind: views, mild ones; ada and diffaugment for images; symmetry for pictures of crystals."""
    p: float = 0.8
    """Probability of each transformation (ada, diffaugment), or the strength (views)."""
    color: bool = True
    """Change colours too (ada, diffaugment)."""
    images: int = 4
    """Number of images, one a row."""
    views: int = 9
    """Number of views of each image, to its right."""
    seed: int = 0
    """Seed of the choice of images and of the views: same seed, same picture."""

    def __post_init__(self) -> None:
        require(0 < self.p <= 1, "p", self.p, "more than 0 and at most 1")
        for name in ("images", "views"):
            value = getattr(self, name)
            require(1 <= value <= AT_MOST, name, value, f"from 1 to {AT_MOST}")
        require_seed(self.seed)
        cli.require_out(self.out, ".png")
        name = self.data.source
        images = name in DATASETS and DATASETS[name].kind == IMAGE
        require(images, "data.source", name, "a data set of images")
        self.augment.check_for(self.data)

    @property
    def augment(self) -> Augment:
        """Settings of augmentation that a run would have."""
        if self.policy == "views":
            return Augment(strength=self.p, color=self.color)
        if self.policy == "symmetry":
            return Augment(policy=self.policy, color=self.color)
        return Augment(policy=self.policy, probability=self.p, color=self.color)


def main() -> None:
    """Parse the command line, load images, transform and draw them."""
    arguments = parse(Arguments, prog="python -m cgan.augmented", renamed={"colour": "color"})
    # Imported late: help and errors should not wait for JAX.
    from cgan.sampling.pictures import save_image_grid

    save_image_grid(arguments.out, draw(arguments), arguments.views + 1)
    beside = f"each beside {arguments.views} views"
    terminal.say(f"{arguments.images} images, {beside}: {arguments.out}")


def draw(arguments: Arguments) -> UInt8[np.ndarray, "n height width channels"]:
    """Images and their views in the stored form, row by row: each image, then its views."""
    import jax
    import jax.numpy as jnp

    from cgan.augment import build
    from cgan.data import load_source
    from cgan.rng import row_keys, stream_key

    source = load_source(arguments.data, "train")
    name, asked = "images", arguments.images
    require(asked <= len(source), name, asked, f"at most {len(source)}, as many as there are")
    chosen = np.random.default_rng(arguments.seed).choice(len(source), asked, replace=False)
    reals = jnp.asarray(source.encode(source[np.sort(chosen)].x))
    keys = row_keys(stream_key(arguments.seed, "views"), jnp.arange(asked * arguments.views))
    repeated = jnp.repeat(reals, arguments.views, axis=0)
    views = jax.jit(build(arguments.augment, source.kind))(keys, repeated, arguments.p)
    by_image = views.reshape(asked, arguments.views, *views.shape[1:])
    beside = jnp.concatenate([reals[:, None], by_image], axis=1)
    return source.decode(np.asarray(beside.reshape(-1, *views.shape[1:])))
