"""`python -m cgan.data`: see `cgan/commands/data.py`."""

from cgan.commands.data import main
from cgan.system import cli


def run() -> None:
    """Run the command with this process's arguments."""
    cli.run(main)


if __name__ == "__main__":
    run()
