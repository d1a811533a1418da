"""The parts of an experiment, made from its config: data, networks, optimiser, step."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Int

from cgan import bank, objectives, optim, prior
from cgan import networks as networks_lib
from cgan.augment import probability
from cgan.axis import ONE_DEVICE, Axis
from cgan.config import Data, Experiment, require
from cgan.data import Source, limited, load_source
from cgan.data.abilities import distant
from cgan.data.client_batches import ClientDispatches
from cgan.data.clients import Shards, shards_of
from cgan.data.given_batches import GivenDispatches
from cgan.data.pipeline import Dispatches
from cgan.data.remembered import Remembered
from cgan.data.source import check_source
from cgan.datasets import OWN
from cgan.federated import clients
from cgan.federated.step import FederatedStep
from cgan.networks import Networks, scaling
from cgan.rng import Seed
from cgan.state import TrainState, init_state
from cgan.step import TrainStep
from cgan.translation.contrast import PatchContrast
from cgan.translation.inputs import GivenPictures
from cgan.types import single


class Parts(NamedTuple):
    """Parts of an experiment that training and sampling share."""

    config: Experiment
    source: Source
    networks: Networks
    game: objectives.Game
    optimizer: optax.GradientTransformation
    shards: Shards | None = None
    """Whose each sample is, where clients train without sharing them."""
    given: GivenPictures | None = None
    """The pictures that the generator translates; None for one that starts from noise."""

    @classmethod
    def of(cls, config: Experiment, source: Source | None = None) -> "Parts":
        """The parts of an experiment; to change one, `parts._replace(game=...)`.

        Args:
            config: the experiment.
            source: as for `assemble`.

        Raises:
            ConfigError: as for `assemble`.
        """
        return assemble(config, source)

    @property
    def classes(self) -> int:
        """Number of classes that the networks see; 0 without labels."""
        return _classes(self.config, self.source)

    def init_state(self, seed: int | None = None) -> TrainState:
        """The state before step 0, by the config's seed or another; of clients, which start alike.

        Args:
            seed: another seed than the config's.
        """
        state = self._single_state(seed)
        if self.shards is None:
            return state
        return clients.spread(state, self.config.federated.clients)

    def judged(self, state: TrainState) -> TrainState:
        """The state that samples are drawn with and probes look at: that of clients averaged."""
        return state if self.shards is None else clients.average_of(state, self.shards.shares)

    @property
    def are_isolated(self) -> bool:
        """Whether there are clients that never average, so that each is judged for itself."""
        return self.shards is not None and not self.config.federated.local_steps

    def each_judged(self, state: TrainState) -> list[TrainState]:
        """The states that are judged: one, or that of each client where they never average."""
        if not self.are_isolated:
            return [self.judged(state)]
        return [self.of_client(state, of) for of in range(self.config.federated.clients)]

    def of_client(self, state: TrainState, client: int) -> TrainState:
        """The state of one client.

        Raises:
            ConfigError: there is no such client.
        """
        count = self.config.federated.clients
        expected = f"from 0 to {count - 1}" if count else "left out: the run has no clients"
        require(0 <= client < count, "client", client, expected)
        return clients.client_of(state, client)

    def dispatches(self, rows: Int[np.ndarray, " rows"] | None = None) -> Dispatches:
        """The batches of each dispatch of the run, or these rows of them."""
        whole = Dispatches.of_run(self.config, self.source, rows)
        if self.given is not None:
            return GivenDispatches(**vars(whole), given=self.given.train)
        if self.shards is None:
            return whole
        return ClientDispatches(**vars(whole), shards=self.shards.rows)

    def _single_state(self, seed: int | None) -> TrainState:
        seed = self.config.seed if seed is None else seed
        adaptive = probability.init(self.config)
        state = init_state(seed, self.networks, self.game.init(), adaptive, self.optimizer)
        players = {"generator": state.generator, "discriminator": state.discriminator}
        return state._replace(prior=prior.init(self.config, players), bank=self._empty_bank(state))

    def _empty_bank(self, state: TrainState) -> bank.Ring | None:
        """The memory bank before step 0, of the form of what these networks put out."""
        config, shape = self.config, self.source.sample_shape
        if config.bank.is_off:
            return None
        of_one: dict[str, jax.ShapeDtypeStruct] = {}
        if config.conditioning.labels:
            of_one["label"] = jax.ShapeDtypeStruct((), "int32")
        if config.bank.of == "samples":
            of_one["fake"] = jax.ShapeDtypeStruct(shape, "float32")
            return bank.empty(config.bank.size, of_one)

        def embedded() -> Array:
            label = jnp.zeros(1, int) if config.conditioning.labels else None
            weights = state.discriminator, state.discriminator_stats
            out = self.networks.discriminate(*weights, jnp.zeros((1, *shape)), label)
            return single(out.embedding)[0]

        vector = jax.eval_shape(embedded)
        of_one |= {"real": vector, "fake": vector, "agreement": jax.ShapeDtypeStruct((), "float32")}
        return bank.empty(config.bank.size, of_one)

    def abstract_state(self) -> TrainState:
        """Shapes and dtypes of the state, computed without allocating it."""
        return jax.eval_shape(self.init_state)

    def train_step(
        self, seed: Seed | None = None, axis: Axis = ONE_DEVICE
    ) -> TrainStep | FederatedStep:
        """The step of one device, to be given to `jax.jit`, or of all that an axis joins.

        Args:
            seed: of all that is random; None for the config's.
            axis: `cgan.parallel.DEVICES` for a step that is mapped over devices.

        Raises:
            ConfigError: a discriminator of one's own that does not scale with factors as it says.
        """
        scaling.check(self.networks, self.source.sample_shape, self.classes)
        seed = self.config.seed if seed is None else seed
        if self.shards is None:
            return self.single_step(seed, axis)
        return FederatedStep(self.config, self.single_step, self.shards.shares, seed, axis)

    def single_step(self, seed: Seed, axis: Axis) -> TrainStep:
        """The step of a run without clients, or of one client.

        Args:
            seed: of all that is random.
            axis: as for `train_step`; of a client one that says which it is.
        """
        encode, kind, contrast = self.source.encode, self.source.kind, None
        if self.given is not None:
            translation, encode_given = self.config.translation, self.given.train.encode
            contrast = PatchContrast(translation, self.networks, encode_given)
        return TrainStep(
            self.config,
            self.networks,
            self.game,
            self.optimizer,
            encode,
            kind,
            seed,
            axis,
            contrast,
        )


def assemble(config: Experiment, source: Source | None = None) -> Parts:
    """Build the parts; nothing is compiled or written.

    Args:
        config: the experiment.
        source: the train split, where it is an object of the caller's own: any with the members of
            `cgan.data.Source`. The parts' config says so then: its `data.source` is 'own'. Of
            the data's other settings it has `limit` and `limit_seed`.

    Raises:
        ConfigError: parts that do not fit together, a source that is none, or one beside settings
            that name another.
    """
    if source is None:
        return assemble_on(config, load_source(config.data, "train"))
    expected = f"{OWN!r}, or left out, where a source is handed in"
    data = Data(OWN, limit=config.data.limit, limit_seed=config.data.limit_seed)
    alike = config.data in (data, dataclasses.replace(data, source=Data.source))
    require(alike, "data.source", config.data.source, expected)
    parts_config = dataclasses.replace(config, data=data)
    return assemble_on(parts_config, limited(check_source(source), data))


def assemble_on(config: Experiment, source: Source) -> Parts:
    """Build the parts on samples that were loaded elsewhere, whatever the config says of data."""
    config.augment.check_for_kind(source.kind, f"with data.source = {config.data.source!r}")
    shards = None
    if not config.federated.is_off:
        shards = shards_of(source, config.federated, config.rows_together)
    if config.banks_reals:
        _check_bank(config, source, shards)
    networks = networks_lib.build(config, source.sample_shape, _classes(config, source))
    networks.frozen_groups(config.init_frozen)  # refused here, if there are not so many
    known, table = distant(source), objectives.no_table
    if config.graded.weight:
        expected = f"0 with {source.name}, which does not know how far apart its samples are"
        fits = known is not None or isinstance(source, Remembered)
        require(fits, "graded.weight", config.graded.weight, expected)
    if known is not None:
        table = known.class_distances
    game, given = objectives.build(config, table), None
    if config.generator.translates:
        inputs = config.translation.inputs(config.data)
        given = GivenPictures(inputs, tuple(source.sample_shape))
    return Parts(config, source, networks, game, optim.build(config), shards, given)


def _check_bank(config: Experiment, source: Source, shards: Shards | None) -> None:
    """Refuse a bank in which a real would meet itself, as it was an epoch ago."""
    of_what = f"the {len(source)} training samples of data.source = {config.data.source!r}"
    if shards is None:
        return config.bank.check_shorter(config.batch_size, len(source), of_what)
    least = min(map(len, shards.rows)) * config.federated.clients
    of_what = f"{config.federated.clients} times the samples of the client that has fewest"
    return config.bank.check_shorter(config.batch_size, least, of_what)


def _classes(config: Experiment, source: Source) -> int:
    """Number of classes that the networks see; 0 without labels."""
    if not config.conditioning.labels:
        return 0
    classes = len(source.class_names)
    expected = f"false with data.source = {config.data.source!r}, which has fewer than two classes"
    if config.data.source == "folder":
        expected += ". --data.classes says what classes are: folders, or a file of labels"
    require(classes > 1, "conditioning.labels", True, expected)
    return classes
