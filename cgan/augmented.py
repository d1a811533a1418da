"""`python -m cgan.augmented`: see `cgan/commands/augmented.py`."""

from cgan.commands.augmented import main
from cgan.system import cli


def run() -> None:
    """Run the command with this process's arguments."""
    cli.run(main)


if __name__ == "__main__":
    run()
