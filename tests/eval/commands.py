"""What the tests of `python -m eval` share."""

from cgan import cli
from eval import __main__ as program


def exit_code(*argv: object) -> object:
    """What the program exits with, given these arguments."""
    try:
        cli.run(lambda: program.main([str(part) for part in argv]))
    except SystemExit as stop:
        return stop.code
    return 0
