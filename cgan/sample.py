"""`python -m cgan.sample`: see `cgan/commands/sample.py`."""

from cgan.commands.sample import main
from cgan.system import cli


def run() -> None:
    """Run the command with this process's arguments."""
    cli.run(main)


if __name__ == "__main__":
    run()
