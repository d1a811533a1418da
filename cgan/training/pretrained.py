"""Runs whose weights another run may start from: GANs and pretrainings, read alike.

Parameters have the same names in both, those of a trunk below `trunk`, those of heads below `head`.
"""

from pathlib import Path
from typing import NamedTuple

from cgan.config import Experiment, Pretraining, require
from cgan.kinds import Kind
from cgan.pretext.runs import restore_pretraining
from cgan.run_folder.workdir import Workdir
from cgan.sampling.runs import restore_run
from cgan.types import Params


class Pretrained(NamedTuple):
    """The networks of one checkpoint of a run, on the host."""

    nimg: int
    """Images seen by the checkpoint."""
    generator: Params
    """Parameters that samples would be drawn with; empty where no generator was trained."""
    discriminator: Params
    discriminator_stats: Params
    architectures: str
    """Names of both architectures, in words."""
    discriminator_architecture: str
    averaged: bool
    """Whether the generator's parameters are their average."""
    kind: Kind
    """What the samples were that it learnt."""


def read(root: Path) -> Pretrained:
    """Read the newest networks of a run from its folder.

    Raises:
        ConfigError: there is no run, none with networks, or no checkpoint of it.
    """
    procedure = Workdir(root).read_procedure()
    known = " or ".join(map(repr, READERS))
    require(procedure in READERS, f"{root}: procedure", procedure, f"{known}, which trains a pair")
    return READERS[procedure](root)


def _of_gan(root: Path) -> Pretrained:
    run = restore_run(root)
    config, state = run.parts.config, run.state
    return Pretrained(
        nimg=run.nimg,
        generator=state.generator_ema,
        discriminator=state.discriminator,
        discriminator_stats=state.discriminator_stats,
        architectures=named(config.generator.architecture, config.discriminator.architecture),
        discriminator_architecture=config.discriminator.architecture,
        averaged=True,
        kind=run.parts.source.kind,
    )


def _of_pretraining(root: Path) -> Pretrained:
    run = restore_pretraining(root)
    config, state, decodes = run.parts.config, run.state, run.parts.task.decodes
    generator = config.generator.architecture if decodes else None
    return Pretrained(
        nimg=run.nimg,
        generator=state.generator,
        discriminator=state.discriminator,
        discriminator_stats=state.discriminator_stats,
        architectures=named(generator, config.discriminator.architecture),
        discriminator_architecture=config.discriminator.architecture,
        averaged=False,
        kind=run.parts.source.kind,
    )


def named(generator: str | None, discriminator: str) -> str:
    """Both architectures in words."""
    first = "no generator" if generator is None else repr(generator)
    return f"{first} and {discriminator!r}"


READERS = {Experiment.procedure: _of_gan, Pretraining.procedure: _of_pretraining}
"""Readers of runs' networks, by the procedures that train some."""
