"""Train a contrastive GAN: `python train.py CONFIG [--FIELD VALUE ...]`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import tyro

from cgan.config import Experiment, Launch
from cgan.system import cli
from cgan.system.arguments import parse_one_of
from cgan.training.interrupt import Interrupt
from configs import CONFIGS, summary


@dataclass(frozen=True)
class Command:
    """What to train, and how to start it."""

    experiment: Annotated[Experiment, tyro.conf.arg(name="")]
    launch: Annotated[Launch, tyro.conf.arg(name="")] = field(default_factory=Launch)


def parse(arguments: Sequence[str] | None = None) -> Command:
    """The command that these arguments give; None for those of this process."""
    return parse_one_of(
        {name: (summary(name), Command(config)) for name, config in CONFIGS.items()},
        arguments,
        prog="train.py",
        description="Train a contrastive GAN on one of these experiments.",
    )


def main() -> None:
    """Parse the command line and train."""
    command = parse()
    with Interrupt(command.launch.grace_sec) as interrupt:
        # Imported late: help and errors should not wait for JAX.
        from cgan.system import hosts
        from cgan.training import loop

        with hosts.joined(command.launch):
            loop.train(command.experiment, launch=command.launch, interrupt=interrupt)


if __name__ == "__main__":
    cli.run(main)
