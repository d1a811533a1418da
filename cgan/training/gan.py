"""The GAN as a procedure of the loop: both players, the picture of fixed latents, the probe."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Int

from cgan import parallel
from cgan.assemble import Parts, assemble
from cgan.config import Experiment, Launch, require
from cgan.data import Source
from cgan.data.pipeline import Dispatches
from cgan.networks import count_parameters
from cgan.probe import AT_LEAST, Probe
from cgan.sampling.sampler import Sampler
from cgan.state import TrainState
from cgan.step import STAGES
from cgan.training import flat_embedding, start
from cgan.training.collapse_watch import CollapseWatch, WatchedElsewhere, find_reals, require_probes
from cgan.training.procedure import Procedure, Sources, TrainStep, WatchContext, load_sources
from cgan.training.watch import NoWatch, Watch


class Gan(Procedure):
    """The training of a GAN, as an `Experiment` sets it."""

    bar = {"D": "discriminator/loss", "G": "generator/loss"}  # noqa: RUF012
    stages = STAGES

    def __init__(self, parts: Parts, sources: Sources) -> None:
        """Take parts that were assembled on the train split.

        Raises:
            ConfigError: what is to be probed with can't be read.
        """
        self.parts, self.sources, self.config = parts, sources, parts.config
        self._reals = find_reals(parts, sources.held_out)
        self._others: start.Others | None = None

    def init_state(self) -> TrainState:
        """Both players before step 0."""
        return self.parts.init_state()

    def train_step(self) -> TrainStep:
        """The discriminator's update, the generator's, and the average's."""
        return self.parts.train_step(axis=parallel.DEVICES)

    def dispatches(self, rows: Int[np.ndarray, " rows"]) -> Dispatches:
        """The batches of each dispatch, or these rows of them: of clients, from their shards."""
        return self.parts.dispatches(rows)

    def former_name(self, array: str) -> str:
        """The name that an array had before trunks and heads named the networks' parameters."""
        return self.parts.networks.former_names.of_array(array)

    def check_start(self) -> None:
        """Refuse to start from, or be pulled to, runs that are not there or do not fit."""
        self._others = start.read(self.parts)

    def begin(self, state: TrainState) -> TrainState:
        """Load the weights of the runs that the config starts from or is pulled to, if any."""
        others, self._others = self._others, None  # let go of their weights
        return start.begin(self.parts, state, others)

    def size(self, state: TrainState) -> str:
        """Parameters of both players, of one client where there are any."""
        state = state if self.parts.shards is None else self.parts.of_client(state, 0)
        counts = [count_parameters(params) for params in (state.generator, state.discriminator)]
        return f"generator {counts[0]:,} and discriminator {counts[1]:,} parameters"

    def check(self, launch: Launch) -> None:
        """Refuse to stop at a collapse that no probe would see."""
        require_probes(self.config, self._reals, launch)

    def remarks(self) -> Sequence[str]:
        """Attacks that leave an embedding nothing, and why there is no probe that was asked for."""
        told = (flat_embedding.remark(self.parts), self._unprobed())
        return tuple(line for line in told if line is not None)

    def _unprobed(self) -> str | None:
        config = self.config
        if self._reals is not None or not config.probe_nimg:
            return None
        few = f"a split has fewer than {AT_LEAST} samples"
        short = f"the first would come after {config.probe_nimg:,} images"
        reason = few if config.probe_nimg <= config.final_nimg else short
        return f"no probe for mode collapse: {reason}"

    def snapshot(self, state: TrainState, path: Path, title: str) -> bool:
        """The fixed latents through the averaged generator; of clients that never met, each."""
        if self.parts.are_isolated:
            fetched = parallel.fetch(state)
            clients = range(self.config.federated.clients)
            generators = [self.parts.of_client(fetched, of).generator_ema for of in clients]
            self._sampler.snapshot_of_all(generators, path, title)
        elif self.parts.shards is not None:
            judged = self.parts.judged(parallel.fetch(state))
            self._sampler.snapshot(judged.generator_ema, path, title)
        else:
            self._sampler.snapshot(parallel.fetch(state.generator_ema), path, title)
        return True

    def watch(self, context: WatchContext | None) -> Watch:
        """The collapse alarm, if there are probes."""
        if context is None:
            return WatchedElsewhere()
        if self._reals is None:
            return NoWatch()
        probe = Probe(self.parts, self._reals, context.devices)
        stops = context.launch.on_collapse == "stop"
        outputs, progress = context.outputs, context.progress
        return CollapseWatch(self.config, probe, stops, outputs, progress, context.rows)

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler(self.parts)


def build(
    config: Experiment,
    devices: Sequence[jax.Device],
    launch: Launch,
    source: Source | None = None,
) -> Gan:
    """Build the GAN of an experiment; nothing is compiled or written.

    Raises:
        ConfigError: settings that do not fit together, the devices or the data.
    """
    parallel.check_divides(config.batch_size, config.micro_batches, devices)
    clients = config.federated.clients
    expected = f"a multiple of the {len(devices)} devices, each of which holds whole clients"
    require(clients % len(devices) == 0, "federated.clients", clients, expected)
    parts = assemble(config, source)
    if parts.given is not None:
        parts.given.check(config.workdir)
    return Gan(parts, load_sources(parts.config, launch, parts.source))
