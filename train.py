"""Train a contrastive GAN, or what it starts from: `python train.py CONFIG [--FIELD VALUE ...]`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

import tyro

from cgan.config import Experiment, Launch, Pretraining
from cgan.system import cli
from cgan.system.arguments import parse_one_of
from cgan.training.interrupt import Interrupt
from configs import CONFIGS, PRETRAININGS, summary


@dataclass(frozen=True)
class Command:
    """What to train, and how to start it."""

    experiment: Annotated[Experiment, tyro.conf.arg(name="")]
    launch: Annotated[Launch, tyro.conf.arg(name="")] = field(default_factory=Launch)


@dataclass(frozen=True)
class PretrainingCommand:
    """What to pretrain, and how to start it."""

    experiment: Annotated[Pretraining, tyro.conf.arg(name="")]
    launch: Annotated[Launch, tyro.conf.arg(name="")] = field(default_factory=Launch)


def parse(
    arguments: Sequence[str] | None = None, prog: str = "train.py"
) -> Command | PretrainingCommand:
    """The command that these arguments give; None for those of this process."""
    commands: dict[str, Command | PretrainingCommand] = {
        name: Command(config) for name, config in CONFIGS.items()
    }
    commands |= {name: PretrainingCommand(config) for name, config in PRETRAININGS.items()}
    return parse_one_of(
        {name: (summary(name), command) for name, command in commands.items()},
        arguments,
        prog=prog,
        description="Train a contrastive GAN on one of these experiments, or pretrain one.",
    )


def main(prog: str = "train.py") -> None:
    """Parse the command line and train."""
    command = parse(prog=prog)
    with Interrupt(command.launch.grace_sec) as interrupt:
        # Imported late: help and errors should not wait for JAX.
        from cgan.system import hosts
        from cgan.training import loop

        with hosts.joined(command.launch):
            loop.train(command.experiment, launch=command.launch, interrupt=interrupt)


def run() -> None:
    """Train as the command `cgan-train`."""
    cli.run(partial(main, "cgan-train"))


if __name__ == "__main__":
    cli.run(main)
