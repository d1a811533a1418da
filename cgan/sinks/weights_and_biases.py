"""Weights & Biases, online or (WANDB_MODE=offline) into files that `wandb sync` sends later."""

import io
import os
from collections.abc import Mapping

import wandb
from PIL import Image

from cgan.sinks.trackers import About

PROJECT = "contrastive-gan"
"""The project of runs there, unless WANDB_PROJECT names another one."""
TAG_AT_MOST = 64
"""Most characters of a tag."""
CLOCK = "nimg"
"""The axis of all curves: images seen.

Not W&B's own step, which must not go back: a run that goes on from a checkpoint writes some rows
again, and an evaluation may be of an old one.
"""


class WeightsAndBiases:
    """A run of Weights & Biases, which has the name of the run's folder."""

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
        """Log one row of the run's history."""
        self._run.log({CLOCK: nimg} | dict(row))

    def image(self, nimg: int, name: str, png: bytes) -> None:
        """Log a row of the run's history with a picture in it."""
        self._run.log({CLOCK: nimg, name: wandb.Image(Image.open(io.BytesIO(png)))})

    def flush(self) -> None:
        """Do nothing: W&B's own process writes what it is given."""

    def close(self) -> None:
        """Send what is left."""
        self._run.finish()
