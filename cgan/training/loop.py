"""The only loop with side effects: batches in, metrics, pictures and checkpoints out.

It knows a `Procedure` and not what that trains.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from cgan import finite, parallel
from cgan.config import ConfigError, Launch, RunConfig, require
from cgan.data import Source
from cgan.data.abilities import description_of
from cgan.data.feed import Feed
from cgan.data.identity import Identity, identify
from cgan.data.limited import size_in_words
from cgan.run_folder import run_data
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.metrics import RowMeans
from cgan.run_folder.workdir import Workdir
from cgan.sinks import (
    Guarded,
    JsonLines,
    Sink,
    Sinks,
    TensorBoard,
    require_installed,
    require_sinks,
    tracking,
)
from cgan.system import hosts
from cgan.system.errors import SAME_COMMAND, NonFiniteError, StoppedError
from cgan.training import procedures
from cgan.training.interrupt import Interrupt
from cgan.training.outputs import DiskOutputs, NoOutputs, Outputs
from cgan.training.procedure import Procedure, State, WatchContext
from cgan.training.progress import TrainingProgress
from cgan.training.stop_vote import Step, Votes, Wish, compile_step, place_wishes
from cgan.training.watch import Watch


def train(
    config: RunConfig,
    devices: Sequence[jax.Device] | None = None,
    launch: Launch | None = None,
    interrupt: Interrupt | None = None,
    source: Source | None = None,
    sinks: Sequence[Sink] = (),
) -> State:
    """Train to the end, going on from the newest checkpoint in the workdir if there is one.

    Args:
        config: an experiment, or the config of another procedure of `procedures.py`.
        devices: which devices to use; None for all of all processes.
        launch: how the run was started.
        interrupt: whether a signal asked to stop; None if nobody watches for any.
        source: what to learn, where it is an object of the caller's own: a train split with the
            members of `cgan.data.Source` and `held_out`. Config.json says `data.source` is 'own'.
        sinks: where rows and pictures go beside the run's folder, from the process that writes.
            They are closed at the end. One that fails is told of, and the run goes on.

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
    require_installed(launch.track)
    procedure = procedures.build(config, devices, launch, source)
    return run(procedure, devices, launch, interrupt, sinks)


def run(
    procedure: Procedure,
    devices: Sequence[jax.Device] | None = None,
    launch: Launch | None = None,
    interrupt: Interrupt | None = None,
    sinks: Sequence[Sink] = (),
) -> State:
    """Train a procedure to its end; see `train`, which makes one from a config."""
    devices = jax.devices() if devices is None else devices
    launch = launch or Launch()
    config = procedure.config
    require_installed(launch.track)
    require_sinks(sinks)
    parallel.check_divides(config.batch_size, 1, devices)
    procedure.check(launch)
    data = identify(*procedure.sources)
    if not hosts.agree(data.number):
        raise ConfigError("data: processes read different data; must be the same on all")
    workdir = Workdir(config.workdir)
    with ExitStack() as stack:
        checkpoints = stack.enter_context(Checkpoints(workdir.checkpoints))
        nimg = hosts.number_from_first(
            lambda: _open(workdir, procedure, launch, data, checkpoints, stack)
        )
        state, pending = _begin(procedure, checkpoints, nimg)
        progress = TrainingProgress(workdir.root.name, nimg, config.final_nimg, hosts.is_first())
        users = stack.enter_context(Sinks([Guarded(sink, progress.say) for sink in sinks]))
        _introduce(procedure, devices, nimg, state, progress)
        if nimg == config.final_nimg:
            return state
        outputs: Outputs = NoOutputs()
        context = None
        if hosts.is_first():
            rows = JsonLines(workdir, nimg)
            own = stack.enter_context(Sinks([rows, TensorBoard(workdir, nimg)]))
            tracker = stack.enter_context(
                Sinks(tracking(launch.track, workdir.root, config, progress.say))
            )
            all_sinks = Sinks([own, tracker, users])
            outputs = DiskOutputs(procedure.snapshot, workdir, all_sinks, checkpoints)
            context = WatchContext(launch, devices, outputs, progress, rows.kept)
        watch = procedure.watch(context)
        stack.enter_context(progress)
        feed = stack.enter_context(_open_feed(procedure, devices, launch, nimg))
        step = compile_step(procedure, devices, launch)
        means = RowMeans(pending)
        interrupt = interrupt or Interrupt(launch.grace_sec)
        session = _Session(
            procedure, devices, step, feed, outputs, watch, progress, means, interrupt
        )
        with hosts.noticing_losses():
            final = session.run(parallel.replicate(state, devices), nimg)
            hosts.meet()
        return parallel.fetch(final)


def _open(
    workdir: Workdir,
    procedure: Procedure,
    launch: Launch,
    data: Identity,
    checkpoints: Checkpoints,
    stack: ExitStack,
) -> int:
    """Take the run's folder into use; returns the images seen by its newest checkpoint, or 0."""
    config = procedure.config
    workdir.check(config)
    known = run_data.read(workdir)
    run_data.check(workdir.root, known, config, data, launch.data_changed)
    if checkpoints.latest() is None:
        procedure.check_start()
    workdir.create(config)
    stack.enter_context(workdir.locked())
    checkpoints.clean()
    nimg = checkpoints.latest() or 0
    trained = f"at least {nimg}, which the run in {workdir.root} is trained to"
    require(nimg <= config.final_nimg, "total_nimg", config.total_nimg, trained)
    workdir.record(config)
    run_data.write(workdir, data)
    return nimg


def _begin(
    procedure: Procedure, checkpoints: Checkpoints, nimg: int
) -> tuple[State, dict[str, Any]]:
    """The state to go on from, on the host, and the metrics that no row holds yet."""
    if nimg == 0:
        state = parallel.fetch(procedure.init_state())
        return hosts.from_first(lambda: procedure.begin(state), state), {}
    form = procedure.abstract_state()
    pending: dict[str, Any] = {}

    def restore() -> State:
        checkpoint = checkpoints.restore(nimg, form, procedure.former_name)
        pending.update(checkpoint.pending)
        return checkpoint.state

    like = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), form)
    return hosts.from_first(restore, like), pending


def _open_feed(
    procedure: Procedure, devices: Sequence[jax.Device], launch: Launch, nimg: int
) -> Feed[Any]:
    """Open the feed of dispatches after so many images, as rows of this process on its devices."""
    config = procedure.config
    dispatches = procedure.dispatches(parallel.own_rows(config.batch_size, devices))
    place = partial(parallel.shard, devices=devices)
    return Feed(dispatches, nimg // config.nimg_per_dispatch, place, launch.workers)


class _Session:
    """One stretch of training, from a start or a checkpoint to the end."""

    def __init__(
        self,
        procedure: Procedure,
        devices: Sequence[jax.Device],
        step: Step,
        feed: Feed[Any],
        outputs: Outputs,
        watch: Watch,
        progress: TrainingProgress,
        means: RowMeans,
        interrupt: Interrupt,
    ) -> None:
        self.procedure, self.config = procedure, procedure.config
        self.devices, self.step, self.feed = devices, step, feed
        self.outputs, self.watch, self.progress, self.means = outputs, watch, progress, means
        self.interrupt = interrupt
        self.wishes = place_wishes(devices)
        self.in_flight: deque[tuple[int, Any]] = deque()
        self.most_in_flight = parallel.max_in_flight(devices)
        self.votes = Votes(lag=self.most_in_flight)
        self.stall = 0.0
        self.checkpoint_due = False

    def run(self, state: State, start_nimg: int) -> State:
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
        self.end_if_watch_wants()
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
            last = {short: float(metrics[name][-1]) for short, name in self.procedure.bar.items()}
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
        failure = finite.first_failure(outcome, self.procedure.stages)
        if failure is None:
            return
        step = nimg // self.config.batch_size - self.config.steps_per_dispatch + failure[0]
        raise NonFiniteError(
            f"step {step}: {failure[1]}; training stopped, {self.outputs.newest()}; "
            "--debug-nans finds the operation"
        )

    def check_state(self, state: State, nimg: int) -> None:
        """Stop before a state with a number that is not finite is drawn or saved.

        A step's losses are taken before its update, so a bad update shows here first.
        """
        own = parallel.own_copy(state, self.devices)  # the first process may come here alone
        for path, leaf in jax.tree.leaves_with_path(own):
            if not bool(jnp.isfinite(leaf).all()):
                part = jax.tree_util.keystr(path[:1], simple=True) or "the state"
                raise NonFiniteError(
                    f"{part} is not finite after {nimg} images; not saved, {self.outputs.newest()}"
                )

    def snapshot(self, state: State, nimg: int) -> None:
        """Draw what there is to see."""
        path = self.outputs.snapshot(state, nimg)
        if path is not None:
            self.progress.say(f"{nimg:>10,} images seen: {path}")

    def checkpoint(self, state: State, nimg: int) -> None:
        """Save the state after so many images."""
        self.outputs.checkpoint(state, nimg, self.means.pending)
        self.checkpoint_due = False

    def end(self, state: State, nimg: int) -> NoReturn:
        """End as some process wished: all act on it before the same dispatch."""
        self.settle(0)
        self.end_if_watch_wants()
        self.check_state(state, nimg)
        if self.outputs.newest_checkpoint() != nimg:
            self.checkpoint(state, nimg)
        hosts.meet()
        by = self.interrupt.asked_by or self.progress.lost or "another process, which says why"
        raise StoppedError(f"stopped by {by}: saved after {nimg} images; {SAME_COMMAND}")

    def end_if_watch_wants(self) -> None:
        """End without saving where the watch says so: the first process tells the others."""
        if hosts.number_from_first(lambda: self.wish() is Wish.END):
            hosts.meet()
            raise self.watch.ending()


def _introduce(
    procedure: Procedure,
    devices: Sequence[jax.Device],
    start_nimg: int,
    state: State,
    progress: TrainingProgress,
) -> None:
    """Say what is trained, on what, and from where on."""
    config, source = procedure.config, procedure.sources.train
    if description := description_of(source):
        progress.say(description)
    progress.say(
        f"{source.name}: {size_in_words(source)}; {procedure.size(state)}; "
        f"{len(devices)} x {devices[0].device_kind}"
    )
    if start_nimg == config.final_nimg:
        progress.say(f"{config.workdir} is already trained to {start_nimg:,} images")
    elif start_nimg:
        progress.say(f"going on from the checkpoint at {start_nimg:,} images")
    for remark in procedure.remarks():
        progress.say(remark)
