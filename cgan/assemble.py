"""The parts of an experiment, made from its config: data, networks, optimiser, step."""

from typing import NamedTuple

import jax
import optax

from cgan import networks as networks_lib
from cgan import objectives, optim
from cgan.augment import probability
from cgan.config import Experiment, require
from cgan.data import Source, load_source
from cgan.networks import Networks
from cgan.rng import Seed
from cgan.state import TrainState, init_state
from cgan.step import TrainStep


class Parts(NamedTuple):
    """Parts of an experiment that training and sampling share."""

    config: Experiment
    source: Source
    networks: Networks
    game: objectives.Game
    optimizer: optax.GradientTransformation

    @property
    def classes(self) -> int:
        """Number of classes that the networks see; 0 without labels."""
        return _classes(self.config, self.source)

    def init_state(self, seed: int | None = None) -> TrainState:
        """The state before step 0, by the config's seed or another."""
        seed = self.config.seed if seed is None else seed
        adaptive = probability.init(self.config)
        return init_state(seed, self.networks, self.game.init(), adaptive, self.optimizer)

    def abstract_state(self) -> TrainState:
        """Shapes and dtypes of the state, computed without allocating it."""
        return jax.eval_shape(self.init_state)

    def train_step(self, seed: Seed | None = None) -> TrainStep:
        """The training step, to be compiled for devices, by the config's seed or another."""
        seed = self.config.seed if seed is None else seed
        encode = self.source.encode
        return TrainStep(self.config, self.networks, self.game, self.optimizer, encode, seed)


def assemble(config: Experiment) -> Parts:
    """Build the parts of an experiment; nothing is compiled or written.

    Raises:
        ConfigError: parts that do not fit together.
    """
    return assemble_on(config, load_source(config.data, "train"))


def assemble_on(config: Experiment, source: Source) -> Parts:
    """Build the parts on samples that were loaded elsewhere, whatever the config says of data."""
    networks = networks_lib.build(config, source.sample_shape, _classes(config, source))
    game = objectives.build(config)
    return Parts(config, source, networks, game, optim.build(config))


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
