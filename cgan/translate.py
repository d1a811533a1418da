"""`python -m cgan.translate`: see `cgan/commands/translate.py`."""

from cgan.commands.translate import main
from cgan.system import cli


def run() -> None:
    """Run the command with this process's arguments."""
    cli.run(main)


if __name__ == "__main__":
    run()
