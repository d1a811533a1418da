"""Weights & Biases, online or (WANDB_MODE=offline) into files that `wandb sync` sends later."""

import io
import os
from collections.abc import Mapping

import wandb
from PIL import Image

from cgan.sinks.trackers import About

PROJECT = "contrastive-gan"
"""Unless WANDB_PROJECT names another one."""
TAG_AT_MOST = 64
"""Characters."""
CLOCK = "nimg"
"""The axis of all curves. Not W&B's own step, which must not go back: a run that goes on from a
checkpoint writes some rows again, and an evaluation may be of an old one."""


class WeightsAndBiases:
    """One run there, which has the name of the run's folder."""

    def __init__(self, about: About, run_id: str) -> None:
        self._run = wandb.init(
            id=run_id,
            resume="allow",
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=about.folder.name,
            tags=[tag[:TAG_AT_MOST] for tag in about.tags],
            config=dict(about.config),
            dir=str(about.folder),
            # Without its own lines, and without a copy of ours: the terminal shows a bar.
            settings=wandb.Settings(silent=True, console="off"),
        )
        self._run.define_metric("*", step_metric=CLOCK)

    def scalars(self, nimg: int, row: Mapping[str, float]) -> None:
        """One row of its history."""
        self._run.log({CLOCK: nimg} | dict(row))

    def image(self, nimg: int, name: str, png: bytes) -> None:
        """The same with a picture."""
        self._run.log({CLOCK: nimg, name: wandb.Image(Image.open(io.BytesIO(png)))})

    def flush(self) -> None:
        """Nothing: its own process writes what it is given."""

    def close(self) -> None:
        """Send what is left."""
        self._run.finish()
