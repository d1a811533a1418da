"""The only loop with side effects: batches in, metrics, pictures and checkpoints out."""

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from cgan import finite, parallel
from cgan.assemble import Parts, assemble
from cgan.config import ConfigError, Experiment, Launch, require
from cgan.data import load_source, require_outside
from cgan.data.feed import Feed
from cgan.data.identity import Identity, identify
from cgan.data.pipeline import Dispatches
from cgan.networks import count_parameters
from cgan.probe import AT_LEAST, Probe, Splits
from cgan.run_folder import run_data
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.metrics import MetricsWriter, RowMeans
from cgan.run_folder.workdir import Workdir
from cgan.state import TrainState
from cgan.system import hosts
from cgan.system.errors import SAME_COMMAND, NonFiniteError, StoppedError
from cgan.training.collapse_watch import CollapseWatch, NoWatch, Watch, find_reals
from cgan.training.interrupt import Interrupt
from cgan.training.outputs import DiskOutputs, NoOutputs, Outputs
from cgan.training.progress import TrainingProgress
from cgan.training.stop_vote import Step, Votes, Wish, compile_step, place_wishes


def train(
    config: Experiment,
    devices: Sequence[jax.Device] | None = None,
    launch: Launch | None = None,
    interrupt: Interrupt | None = None,
) -> TrainState:
    """Train to the end, going on from the newest checkpoint in the workdir if there is one.

    Args:
        config: the experiment.
        devices: which devices to use; None for all of all processes.
        launch: how the run was started.
        interrupt: whether a signal asked to stop; None if nobody watches for any.

    Returns:
        The final state, on the host.

    Raises:
        ConfigError: settings that do not fit together, the devices or the workdir; nothing has
            been compiled or written then.
        EndedError: a number is not finite, the disk is full, a process is lost, a signal came or
            the generator collapsed; the last good checkpoint is kept.
    """
    devices = jax.devices() if devices is None else devices
    launch = launch or Launch()
    parallel.check_divides(config.batch_size, config.micro_batches, devices)
    launch.check_for(config.data)
    require_outside(config.data, config.workdir)
    held_out = load_source(config.data, "test")  # found damaged now, and not by evaluation
    parts = assemble(config)
    reals = find_reals(parts, launch)
    data = identify(parts.source, held_out)
    if not hosts.agree(data.number):
        raise ConfigError("data: processes read different data; must be the same on all")
    workdir = Workdir(config.workdir)
    with ExitStack() as stack:
        checkpoints = stack.enter_context(Checkpoints(workdir.checkpoints))
        nimg = hosts.number_from_first(
            lambda: _open(workdir, config, launch, data, checkpoints, stack)
        )
        state, pending = _begin(parts, checkpoints, nimg)
        progress = TrainingProgress(workdir.root.name, nimg, config.final_nimg, hosts.is_first())
        _introduce(parts, devices, nimg, state, reals, progress)
        if nimg == config.final_nimg:
            return state
        outputs: Outputs = NoOutputs()
        watch: Watch = NoWatch()
        if hosts.is_first():
            writer = stack.enter_context(MetricsWriter(workdir, nimg))
            outputs = DiskOutputs(parts, workdir, writer, checkpoints)
            if reals is not None:
                probe, stops = Probe(parts, reals, devices), launch.on_collapse == "stop"
                watch = CollapseWatch(config, probe, stops, outputs, progress, writer.kept)
        stack.enter_context(progress)
        feed = stack.enter_context(_open_feed(parts, devices, launch, nimg))
        step = compile_step(parts, devices, launch)
        means = RowMeans(pending)
        interrupt = interrupt or Interrupt(launch.grace_sec)
        session = _Session(parts, devices, step, feed, outputs, watch, progress, means, interrupt)
        with hosts.noticing_losses():
            final = session.run(parallel.replicate(state, devices), nimg)
            hosts.meet()
        return parallel.fetch(final)


def _open(
    workdir: Workdir,
    config: Experiment,
    launch: Launch,
    data: Identity,
    checkpoints: Checkpoints,
    stack: ExitStack,
) -> int:
    """Take the run's folder into use; returns the images seen by its newest checkpoint, or 0."""
    workdir.check(config)
    known = run_data.read(workdir)
    run_data.check(workdir.root, known, config, data, launch.data_changed)
    workdir.create(config)
    stack.enter_context(workdir.locked())
    checkpoints.clean()
    nimg = checkpoints.latest() or 0
    trained = f"at least {nimg}, which the run in {workdir.root} is trained to"
    require(nimg <= config.final_nimg, "total_nimg", config.total_nimg, trained)
    workdir.record(config)
    run_data.write(workdir, data)
    return nimg


def _begin(parts: Parts, checkpoints: Checkpoints, nimg: int) -> tuple[TrainState, dict[str, Any]]:
    """The state to go on from, on the host, and the metrics that no row holds yet."""
    if nimg == 0:
        return parallel.fetch(parts.init_state()), {}
    form = parts.abstract_state()
    pending: dict[str, Any] = {}

    def restore() -> TrainState:
        checkpoint = checkpoints.restore(nimg, form)
        pending.update(checkpoint.pending)
        return checkpoint.state

    like = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), form)
    return hosts.from_first(restore, like), pending


def _open_feed(parts: Parts, devices: Sequence[jax.Device], launch: Launch, nimg: int) -> Feed[Any]:
    """Open the feed of dispatches after so many images, with this process's rows on its devices."""
    config = parts.config
    rows = parallel.own_rows(config.batch_size, devices)
    dispatches = Dispatches.of_run(config, parts.source, rows)
    place = partial(parallel.shard, devices=devices)
    return Feed(dispatches, nimg // config.nimg_per_dispatch, place, launch.workers)


class _Session:
    """One stretch of training, from a start or a checkpoint to the end."""

    def __init__(
        self,
        parts: Parts,
        devices: Sequence[jax.Device],
        step: Step,
        feed: Feed[Any],
        outputs: Outputs,
        watch: Watch,
        progress: TrainingProgress,
        means: RowMeans,
        interrupt: Interrupt,
    ) -> None:
        self.config, self.devices, self.step, self.feed = parts.config, devices, step, feed
        self.outputs, self.watch, self.progress, self.means = outputs, watch, progress, means
        self.interrupt = interrupt
        self.wishes = place_wishes(devices)
        self.in_flight: deque[tuple[int, Any]] = deque()
        self.most_in_flight = parallel.max_in_flight(devices)
        self.votes = Votes(lag=self.most_in_flight)
        self.stall = 0.0
        self.checkpoint_due = False

    def run(self, state: TrainState, start_nimg: int) -> TrainState:
        """Train by dispatches; the host prepares a batch while the devices work on the last one."""
        config = self.config
        starts = range(start_nimg, config.final_nimg, config.nimg_per_dispatch)
        if start_nimg == 0:
            self.snapshot(state, 0)
        for nimg, placed in zip(starts, self.feed, strict=True):
            self.settle(self.most_in_flight - 1)
            if self.votes.due():
                self.end(state, nimg)
            wish = self.wishes[self.wish()]
            with jax.transfer_guard("disallow"):  # all arrays were placed above
                state, outcome = self.step(state, (placed, wish))
            self.interrupt.has_unsaved = True
            seen = nimg + config.nimg_per_dispatch
            self.in_flight.append((seen, (outcome, self.watch.look(state, seen))))
            snapshot_due = self.is_due(seen, config.snapshot_nimg)
            self.checkpoint_due |= self.is_due(seen, config.checkpoint_nimg)
            if snapshot_due or self.checkpoint_due:
                self.settle(0)
                self.check_state(state, seen)
            if snapshot_due:
                self.snapshot(state, seen)
            if self.checkpoint_due and self.watch.allows_checkpoint(seen):
                self.checkpoint(state, seen)
        self.end_if_collapsed()
        return state

    def wish(self) -> Wish:
        """The wish of this process for the run."""
        if self.watch.wants_end:
            return Wish.END
        asked = self.interrupt.asked_by or self.progress.lost
        return Wish.SAVE_AND_END if asked else Wish.GO_ON

    def is_due(self, nimg: int, interval_nimg: int) -> bool:
        """Whether this dispatch reached another multiple of the interval, or the end."""
        return self.config.passes(nimg, interval_nimg) or nimg == self.config.final_nimg

    def settle(self, most: int) -> None:
        """Wait until at most this many dispatches are in flight; check and log the others."""
        while len(self.in_flight) > most:
            nimg, told = self.in_flight.popleft()
            (outcome, granted), look = parallel.fetch(told)
            self.votes.add(Wish(granted))
            self.check_finite(nimg, outcome)
            metrics = outcome.metrics
            self.means.add(metrics)
            losses = {"D": metrics["discriminator/loss"], "G": metrics["generator/loss"]}
            last = {player: float(values[-1]) for player, values in losses.items()}
            rate = self.progress.advance(nimg, last, self.stall)
            if self.is_due(nimg, self.config.log_nimg):
                self.write_row(nimg, rate)
            if look is not None:
                self.watch.update(nimg, look)

    def write_row(self, nimg: int, images_per_sec: float) -> None:
        """Write one row of metrics: means over the steps since the last row."""
        row = self.means.take()
        self.stall = self.feed.stall_share()
        row |= {"images_per_sec": round(images_per_sec, 1), "input_stall": round(self.stall, 4)}
        self.outputs.row(nimg, row)

    def check_finite(self, nimg: int, outcome: finite.Outcome) -> None:
        """Stop at the first step of a dispatch that has a number that is not finite."""
        failure = finite.first_failure(outcome)
        if failure is None:
            return
        step = nimg // self.config.batch_size - self.config.steps_per_dispatch + failure[0]
        raise NonFiniteError(
            f"step {step}: {failure[1]}; training stopped, {self.outputs.newest()}; "
            "--debug-nans finds the operation"
        )

    def check_state(self, state: TrainState, nimg: int) -> None:
        """Stop before a state with a number that is not finite is drawn or saved.

        A step's losses are taken before its update, so a bad update shows here first.
        """
        own = parallel.own_copy(state, self.devices)  # the first process may come here alone
        for name, tree in zip(state._fields, own, strict=True):
            if not all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree)):
                raise NonFiniteError(
                    f"{name} is not finite after {nimg} images; not saved, {self.outputs.newest()}"
                )

    def snapshot(self, state: TrainState, nimg: int) -> None:
        """Draw the fixed latents with the averaged generator."""
        path = self.outputs.snapshot(state, nimg)
        if path is not None:
            self.progress.say(f"{nimg:>10,} images seen: {path}")

    def checkpoint(self, state: TrainState, nimg: int) -> None:
        """Save the state after so many images."""
        self.outputs.checkpoint(state, nimg, self.means.pending)
        self.checkpoint_due = False

    def end(self, state: TrainState, nimg: int) -> NoReturn:
        """End as some process wished: all act on it before the same dispatch."""
        self.settle(0)
        self.end_if_collapsed()
        self.check_state(state, nimg)
        if self.outputs.newest_checkpoint() != nimg:
            self.checkpoint(state, nimg)
        hosts.meet()
        by = self.interrupt.asked_by or self.progress.lost or "another process, which says why"
        raise StoppedError(f"stopped by {by}: saved after {nimg} images; {SAME_COMMAND}")

    def end_if_collapsed(self) -> None:
        """End without saving where the generator collapsed: the first process tells the others."""
        if hosts.number_from_first(lambda: self.wish() is Wish.END):
            hosts.meet()
            raise self.watch.ending()


def _introduce(
    parts: Parts,
    devices: Sequence[jax.Device],
    start_nimg: int,
    state: TrainState,
    reals: Splits | None,
    progress: TrainingProgress,
) -> None:
    config = parts.config
    if said := getattr(parts.source, "said", ""):
        progress.say(said)
    counts = [count_parameters(params) for params in (state.generator, state.discriminator)]
    progress.say(
        f"{parts.source.name}: {len(parts.source):,} samples; generator {counts[0]:,} and "
        f"discriminator {counts[1]:,} parameters; {len(devices)} x {devices[0].device_kind}"
    )
    if start_nimg == config.final_nimg:
        progress.say(f"{config.workdir} is already trained to {start_nimg:,} images")
    elif start_nimg:
        progress.say(f"going on from the checkpoint at {start_nimg:,} images")
    if reals is None and config.probe_nimg:
        few = f"a split has fewer than {AT_LEAST} samples"
        short = f"the first would come after {config.probe_nimg:,} images"
        reason = few if config.probe_nimg <= config.final_nimg else short
        progress.say(f"no probe for mode collapse: {reason}")
