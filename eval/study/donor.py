"""A run that is trained before another, which takes weights of it: a pretraining's, or a GAN's.

Both see as many images together as a run alone. Donors are runs like any other, in folders that
their settings name: variants that take the same one share it, and a study that goes on finds it.

A folder is named by the config alone, so two donors are one where their configs are the same. Other
data under that config are no silent mix: a run's folder keeps the fingerprint of what it learnt,
and `train` refuses others (`cgan/run_folder/run_data.py`). Other code is not told apart: a donor
that was trained by an older version is taken as it is, as a run that goes on would be. Whoever
changes how donors learn deletes the folder.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cgan.config import (
    Data,
    Discriminator,
    Experiment,
    Generator,
    InitParts,
    Players,
    Pretext,
    Pretraining,
    Prior,
    RunConfig,
    to_json,
)
from cgan.system import lock
from eval.files.fingerprint import fingerprint

Change = Callable[[Experiment], Experiment]
Take = Callable[[Path], Change]
"""What a run takes of a donor, from the donor's folder."""

FOLDER = Path("runs/study-donors")
"""Where donors are trained, below the folder that a study is run in."""
A_DONOR = FOLDER / "a-donor"
"""Folder that no donor is in, for where it does not matter which one it is."""


@dataclass(frozen=True)
class Donor:
    """What is trained before a run, for how long, and what the run takes of it."""

    of: Callable[[Experiment], RunConfig]
    """The donor's config from that of the run: its networks, and its data unless others are meant.

    Its length, seed and folder are not looked at.
    """
    share: float
    """Share of the benchmark's images that it sees, rounded to whole dispatches."""
    take: Take


def pretraining(**pretext: object) -> Callable[[Experiment], Pretraining]:
    """A pretraining of the run's networks on the run's data: `pretraining(task="jigsaw")`.

    All other settings are the defaults of `pretrain_digits`, views included.
    """
    return lambda config: pretraining_of(config, Pretext(**pretext))  # type: ignore[arg-type]


def pretraining_of(
    config: Experiment,
    pretext: Pretext,
    *,
    data: Data | None = None,
    generator: Generator | None = None,
    discriminator: Discriminator | None = None,
) -> Pretraining:
    """A pretraining by a pretext, on other data or of other networks than the run's where given."""
    return Pretraining(
        workdir=config.workdir,
        data=data or config.data,
        pretext=pretext,
        generator=generator or config.generator,
        discriminator=discriminator or config.discriminator,
        batch_size=config.batch_size,
        steps_per_dispatch=config.steps_per_dispatch,
    )


def same_run(*changes: Change) -> Callable[[Experiment], Experiment]:
    """A GAN as the run is, but for some changes, as of its data."""

    def of(config: Experiment) -> Experiment:
        for change in changes:
            config = change(config)
        return config

    return of


def start_from(**settings: object) -> Take:
    """Start from the donor's weights: `start_from(init_players="discriminator")`."""

    def take(root: Path) -> Change:
        return lambda config: dataclasses.replace(config, init_from=root, **settings)  # type: ignore[arg-type]

    return take


def start_near(
    mu: float, players: Players = "both", parts: InitParts = "all", **settings: object
) -> Take:
    """Start from the donor's weights, and be pulled to them as much as by `mu` samples.

    Args:
        mu: strength of the prior.
        players: those that are pulled.
        parts: what of them is.
        settings: what the run starts from, as for `start_from`.
    """

    def take(root: Path) -> Change:
        prior = Prior(pre=root, mu=mu, players=players, parts=parts)
        return lambda config: dataclasses.replace(start_from(**settings)(root)(config), prior=prior)

    return take


def in_its_folder(config: RunConfig, nimg: int, seed: int) -> RunConfig:
    """The config of a donor that sees so many images, quietly, in the folder that it names."""
    quiet = dict.fromkeys(("log_nimg", "snapshot_nimg", "checkpoint_nimg"), nimg)
    config = dataclasses.replace(
        config, total_nimg=nimg, seed=seed, probe_nimg=0, workdir=FOLDER, **quiet
    )
    return dataclasses.replace(config, workdir=FOLDER / fingerprint(to_json(config)))


def trained(config: RunConfig) -> Path:
    """The folder of a donor that has been trained to its end, now or before.

    Processes that want the same one wait for whoever came first.

    Raises:
        EndedError: a number is not finite, or the disk is full.
    """
    from cgan.training.loop import train  # JAX, which the words of a command do not wait for

    root = config.workdir
    root.parent.mkdir(parents=True, exist_ok=True)
    with lock.wait_for(root.with_name(f"{root.name}.lock"), lambda _: None):
        train(config)
    return root
