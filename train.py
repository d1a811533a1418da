"""Train a contrastive GAN: `python train.py CONFIG [--FIELD VALUE ...]`."""

import sys

import tyro

from cgan import cli
from configs import CONFIGS, summary


def main() -> None:
    """Parse the command line and train."""
    config = tyro.extras.overridable_config_cli(
        {name: (summary(name), config) for name, config in CONFIGS.items()},
        prog="train.py",
        description="Train a contrastive GAN on one of these experiments.",
    )
    # Imported late: help and errors should not wait for JAX.
    from cgan import loop

    try:
        loop.train(config)
    except loop.NonFiniteError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    cli.run(main)
