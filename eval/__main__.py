"""Evaluate, judge, probe, attack, search or draw a run, compare samples, or write a report.

    python -m eval runs/NAME            figures of a run
    python -m eval clients runs/NAME    what clients have of the data, and what they draw
    python -m eval collapse runs/NAME   does it cover the data, drop modes, or has it collapsed?
    python -m eval compare REAL FAKE    figures of two sets of samples in folders or files
    python -m eval graded runs/NAME     how well its distances are those that are known
    python -m eval reference DATASET    read a data set, or samples, once for all later evaluations
    python -m eval probe runs/NAME      what its features are worth to classifiers with few labels
    python -m eval robust runs/NAME     how far its outputs move near a real, by attack
    python -m eval search runs/NAME     samples that a score likes best, by few evaluations of it
    python -m eval report runs/NAME     one page with figures, curves and pictures
    python -m eval surrogate            few points of a target, with a prior from a source's many

Each has its own --help.
"""

import sys
from collections.abc import Callable, Sequence

from cgan.system import cli
from eval.commands import (
    clients,
    collapse,
    compare,
    graded,
    probe,
    reference,
    report,
    robust,
    run,
    search,
    surrogate,
)

COMMANDS: dict[str, Callable[[Sequence[str]], None]] = {
    "clients": clients.main,
    "collapse": collapse.main,
    "compare": compare.main,
    "graded": graded.main,
    "probe": probe.main,
    "reference": reference.main,
    "report": report.main,
    "robust": robust.main,
    "search": search.main,
    "surrogate": surrogate.main,
}
"""Commands by the first word of the command line; any other word is a run."""


def main(argv: Sequence[str] | None = None) -> None:
    """Pass the arguments to the command that they name."""
    argv = sys.argv[1:] if argv is None else argv
    if argv and argv[0] in COMMANDS:
        COMMANDS[argv[0]](argv[1:])
        return
    if not argv or argv[0] in ("-h", "--help"):
        print(__doc__, file=sys.stdout if argv else sys.stderr)
    run.main(argv)


def run_command() -> None:
    """Run the command with this process's arguments."""
    cli.run(main)


if __name__ == "__main__":
    run_command()
