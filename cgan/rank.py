"""`python -m cgan.rank`: see `cgan/commands/rank.py`."""

from cgan.commands.rank import main
from cgan.system import cli


def run() -> None:
    """Run the command with this process's arguments."""
    cli.run(main)


if __name__ == "__main__":
    run()
