"""The only loop with side effects: batches in, metrics, pictures and checkpoints out."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cgan import parallel
from cgan.assemble import Parts, assemble
from cgan.checkpoint import Checkpoints
from cgan.config import Experiment
from cgan.data.pipeline import load_batches
from cgan.data.prefetch import Prefetch
from cgan.networks import count_parameters
from cgan.progress import TrainingProgress
from cgan.sampling import Sampler
from cgan.state import TrainState
from cgan.workdir import Workdir
from cgan.writer import MetricsWriter


class NonFiniteError(RuntimeError):
    """A loss or gradient stopped being a number; the message names step, term and checkpoint."""


def train(config: Experiment, devices: Sequence[jax.Device] | None = None) -> TrainState:
    """Train to the end, going on from the newest checkpoint in the workdir if there is one.

    Args:
        config: the experiment.
        devices: which devices to use; None for all of this host's.

    Returns:
        The final state, on the host.

    Raises:
        ConfigError: settings that do not fit together, the devices or the workdir; nothing has
            been compiled or written then.
        NonFiniteError: a loss or gradient is not finite; the last good checkpoint is kept.
    """
    devices = jax.local_devices() if devices is None else devices
    parallel.check_divides(config.batch_size, config.micro_batches, devices)
    parts = assemble(config)
    workdir = Workdir(config.workdir)
    workdir.check(config)
    workdir.create(config)
    with Checkpoints(workdir.checkpoints) as checkpoints:
        start_nimg = checkpoints.latest()
        if start_nimg is None:
            state, start_nimg = parallel.replicate(parts.init_state(), devices), 0
        else:
            like = parallel.abstract(parts.abstract_state(), devices)
            state = checkpoints.restore(start_nimg, like)
        progress = TrainingProgress(workdir.root.name, start_nimg, config.final_nimg)
        _introduce(parts, devices, start_nimg, state, progress)
        if start_nimg >= config.final_nimg:
            return parallel.fetch(state)
        with MetricsWriter(workdir, start_nimg) as writer, progress:
            session = _Session(parts, devices, workdir, checkpoints, writer, progress, start_nimg)
            return parallel.fetch(session.run(state, start_nimg))


class _Session:
    """One stretch of training, from a start or a checkpoint to the end."""

    def __init__(
        self,
        parts: Parts,
        devices: Sequence[jax.Device],
        workdir: Workdir,
        checkpoints: Checkpoints,
        writer: MetricsWriter,
        progress: TrainingProgress,
        start_nimg: int,
    ) -> None:
        self.config, self.source = parts.config, parts.source
        self.devices, self.workdir = devices, workdir
        self.checkpoints, self.writer, self.progress = checkpoints, writer, progress
        self.step = parallel.replicated_step(parts.train_step(), devices)
        self.sampler = Sampler(parts)
        starts = range(start_nimg, self.config.final_nimg, self.config.nimg_per_dispatch)
        self.input = Prefetch(starts, self.place_batches)
        self.in_flight: deque[tuple[int, Any]] = deque()
        self.unwritten: list[dict[str, np.ndarray]] = []
        self.stall = 0.0

    def run(self, state: TrainState, start_nimg: int) -> TrainState:
        """Dispatch by dispatch; the host prepares a batch while the devices work on the last."""
        config = self.config
        if start_nimg == 0:
            self.snapshot(state, 0)
        for nimg, placed in self.input:
            self.settle(parallel.max_in_flight(self.devices) - 1)
            with jax.transfer_guard("disallow"):  # all arrays were placed above
                state, metrics = self.step(state, placed)
            seen = nimg + config.nimg_per_dispatch
            self.in_flight.append((seen, metrics))
            snapshot_due = self.is_due(seen, config.snapshot_nimg)
            checkpoint_due = self.is_due(seen, config.checkpoint_nimg)
            if snapshot_due or checkpoint_due:
                self.settle(0)
                self.check_state(state, seen)
            if snapshot_due:
                self.snapshot(state, seen)
            if checkpoint_due:
                self.checkpoints.save(seen, state)
        return state

    def place_batches(self, nimg: int) -> Any:
        """The batches of the dispatch that begins after so many images, on the devices."""
        config = self.config
        step = nimg // config.batch_size
        steps, flip = config.steps_per_dispatch, config.data.flip
        batches = load_batches(self.source, config.batch_size, config.seed, step, steps, flip=flip)
        return parallel.shard(batches, self.devices)

    def is_due(self, nimg: int, interval_nimg: int) -> bool:
        """Whether this dispatch reached another multiple of the interval, or the end."""
        before = nimg - self.config.nimg_per_dispatch
        return nimg // interval_nimg > before // interval_nimg or nimg == self.config.final_nimg

    def settle(self, most: int) -> None:
        """Wait until at most this many dispatches are in flight; check and log the others."""
        while len(self.in_flight) > most:
            nimg, metrics = self.in_flight.popleft()
            host = parallel.fetch(metrics)
            self.check_finite(nimg, host)
            self.unwritten.append(host)
            losses = {"D": host["discriminator/loss"], "G": host["generator/loss"]}
            last = {player: float(values[-1]) for player, values in losses.items()}
            rate = self.progress.advance(nimg, last, self.stall)
            # A checkpoint ends a row, so that a resumed run writes the rows it would have written.
            if self.is_due(nimg, self.config.log_nimg) or self.is_due(
                nimg, self.config.checkpoint_nimg
            ):
                self.write_row(nimg, rate)

    def write_row(self, nimg: int, images_per_sec: float) -> None:
        """One row of metrics: means over the steps since the last row."""
        names = self.unwritten[0]
        row = {n: float(np.concatenate([m[n] for m in self.unwritten]).mean()) for n in names}
        self.unwritten.clear()
        self.stall = self.input.stall_share()
        row |= {"images_per_sec": round(images_per_sec, 1), "input_stall": round(self.stall, 4)}
        self.writer.write(nimg, row)

    def check_finite(self, nimg: int, metrics: dict[str, np.ndarray]) -> None:
        """Stop at the first step of a dispatch that has a term that is not finite."""
        finite = {name: np.isfinite(values) for name, values in metrics.items()}
        if all(values.all() for values in finite.values()):
            return
        first = min(int(np.argmin(values)) for values in finite.values() if not values.all())
        terms = [name for name, values in finite.items() if not values[first]]
        step = nimg // self.config.batch_size - self.config.steps_per_dispatch + first
        newest = self.checkpoints.latest()
        where = (
            f"the newest checkpoint is at {newest} images"
            if newest
            else "no checkpoint was saved yet"
        )
        listed = ", ".join(f"{name} = {metrics[name][first]}" for name in terms)
        raise NonFiniteError(f"step {step}: {listed}; training stopped, {where}")

    def check_state(self, state: TrainState, nimg: int) -> None:
        """Stop before a state with a number that is not finite is drawn or saved.

        A step's losses are taken before its update, so a bad update shows here first.
        """
        for name, tree in zip(state._fields, state, strict=True):
            if not all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree)):
                raise NonFiniteError(f"{name} is not finite after {nimg} images; not saved")

    def snapshot(self, state: TrainState, nimg: int) -> None:
        """Draw the fixed latents with the averaged generator."""
        path = self.workdir.samples / f"{nimg:010d}.png"
        self.sampler.snapshot(parallel.fetch(state.generator_ema), path, f"{nimg:,} images seen")
        self.progress.say(f"{nimg:>10,} images seen: {path}")


def _introduce(
    parts: Parts,
    devices: Sequence[jax.Device],
    start_nimg: int,
    state: TrainState,
    progress: TrainingProgress,
) -> None:
    config = parts.config
    counts = [count_parameters(params) for params in (state.generator, state.discriminator)]
    progress.say(
        f"{parts.source.name}: {len(parts.source):,} samples; generator {counts[0]:,} and "
        f"discriminator {counts[1]:,} parameters; {len(devices)} x {devices[0].device_kind}"
    )
    if start_nimg >= config.final_nimg:
        progress.say(f"{config.workdir} is already trained to {start_nimg:,} images")
    elif start_nimg:
        progress.say(f"going on from the checkpoint at {start_nimg:,} images")
