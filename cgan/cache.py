"""`python -m cgan.cache`: see `cgan/commands/cache.py`."""

from cgan.commands.cache import main
from cgan.system import cli


def run() -> None:
    """Run the command with this process's arguments."""
    cli.run(main)


if __name__ == "__main__":
    run()
