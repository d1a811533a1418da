"""A pretraining as a procedure of the loop: a pretext's task, its picture, its held-out figure."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import jax

from cgan import parallel
from cgan.config import Launch, Pretraining
from cgan.data import Source
from cgan.networks import count_parameters
from cgan.pretext.held_out import HeldOut
from cgan.pretext.parts import PretextParts, PretextState, assemble
from cgan.pretext.picture import Picture
from cgan.pretext.step import STAGES, PretextStep
from cgan.probe.reals import fixed_samples
from cgan.training.outputs import Outputs
from cgan.training.procedure import Procedure, Sources, TrainStep, WatchContext, load_sources
from cgan.training.progress import TrainingProgress
from cgan.training.watch import NoWatch, Watch


class PretextProcedure(Procedure):
    """The training on a pretext, as a `Pretraining` sets it."""

    stages = STAGES

    def __init__(self, parts: PretextParts, sources: Sources) -> None:
        self.parts, self.sources, self.config = parts, sources, parts.config
        self.bar = {"L": "pretext/loss", parts.task.figure: f"pretext/{parts.task.figure}"}

    def init_state(self) -> PretextState:
        """The networks before step 0."""
        return self.parts.init_state()

    def train_step(self) -> TrainStep:
        """Adam on the task's loss."""
        return PretextStep(self.parts, parallel.DEVICES)

    def size(self, state: PretextState) -> str:
        """Parameters of what is trained."""
        discriminator, generator, readout = map(count_parameters, state.trained)
        decoder = f", generator {generator:,}" if generator else ""
        more = f" and {readout:,} for the task alone" if readout else ""
        task = self.config.pretext.task
        return f"{task} pretext; discriminator {discriminator:,}{decoder}{more} parameters"

    def snapshot(self, state: PretextState, path: Path, title: str) -> bool:
        """The task on a few held-out images: asked, answered, and right."""
        self._picture.save(parallel.fetch(state), path)
        return True

    def watch(self, context: WatchContext | None) -> Watch:
        """The task on held-out images, now and then."""
        if context is None or not self.config.probe_nimg:
            return NoWatch()
        asked = fixed_samples(self.sources.held_out, self.config.data.flip)
        held_out = HeldOut(self.parts, asked.x, context.devices, asked.labels)
        return HeldOutWatch(self.parts, held_out, context.outputs, context.progress)

    @cached_property
    def _picture(self) -> Picture:
        held_out, train = (fixed_samples(of).x for of in self.sources[::-1])
        return Picture(self.parts, held_out, train)


class HeldOutWatch(NoWatch):
    """A watch that writes down how well held-out images are answered, and ends nothing."""

    def __init__(
        self, parts: PretextParts, held_out: HeldOut, outputs: Outputs, progress: TrainingProgress
    ) -> None:
        self._config, self._figure = parts.config, parts.task.figure
        self._held_out, self._outputs, self._progress = held_out, outputs, progress

    def look(self, state: PretextState, nimg: int) -> Any:
        """Answer held-out images, where that is due."""
        config = self._config
        due = config.probe_nimg and config.passes(nimg, config.probe_nimg)
        return self._held_out.look(state) if due or nimg == config.final_nimg else None

    def update(self, nimg: int, look: Any) -> None:
        """Write the figures' row, and show the one that counts."""
        figures = {name: float(value) for name, value in look.items()}
        self._outputs.row(nimg, figures)
        self._progress.note(f"held out {figures[f'held_out/{self._figure}']:.1%}")


def build(
    config: Pretraining,
    devices: Sequence[jax.Device],
    launch: Launch,
    source: Source | None = None,
) -> PretextProcedure:
    """Build the procedure of a pretraining; nothing is compiled or written.

    Raises:
        ConfigError: settings that do not fit together, the devices or the data.
    """
    parallel.check_divides(config.batch_size, config.micro_batches, devices)
    parts = assemble(config, source)
    return PretextProcedure(parts, load_sources(parts.config, launch, parts.source))
