"""What work costs as it grows: `python -m benchmarks.growth --out DIR`.

Time and memory of a step against batch, K, bank, resolution and simulated devices; of an
evaluation against samples and features; of a start against the images in a folder. Each curve has
a process of its own, in which a step's sizes take turns, and what is measured is kept: the same
command goes on with what is missing. With --page and --picture nothing is measured: they show what
was.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.growth import evaluation, folders, steps
from benchmarks.growth.picture import draw
from benchmarks.growth.point import Curve, Point, slopes
from cgan.config import positive, require, require_known
from cgan.system import cli
from cgan.system.arguments import parse
from eval.files import json_lines
from eval.study.page import read_page, replace_between

PROG = "python -m benchmarks.growth"
FILE, SECTION = "growth.jsonl", "benchmark growth"
CURVES = (*steps.CURVES, *evaluation.CURVES, *folders.CURVES)
BY_NAME = {curve.name: curve for curve in CURVES}
Points = dict[str, list[Point]]


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that measures what growing work costs."""

    out: Path
    """Folder of the results."""
    curves: tuple[str, ...] = ()
    """Names of the only curves to measure; all unless given."""
    rounds: int = 3
    """Rounds in which each size takes its turn once."""
    largest: int | None = None
    """Leave out sizes beyond this one."""
    alone: bool = False
    """Measure in this process, as the command does in one for each curve."""
    page: Path | None = None
    """Page with the benchmark's markers, to put the table on; nothing is measured then."""
    picture: Path | None = None
    """Where to draw the curves; nothing is measured then."""

    def __post_init__(self) -> None:
        require_known("curves", self.curves, BY_NAME)
        positive(self, "", "rounds")
        if self.largest is not None:
            positive(self, "", "largest")

    @property
    def chosen(self) -> tuple[Curve, ...]:
        """The curves to measure, in their order."""
        return tuple(BY_NAME[name] for name in self.curves) or CURVES


def read(out: Path) -> Points:
    """The points that were measured into a folder, by curve, with growing sizes."""
    found: dict[str, dict[int, Point]] = {}
    if (out / FILE).exists():
        for line in json_lines.whole_lines(out / FILE):
            row = json.loads(line)
            point = Point(row["size"], row["seconds"], row["mib"])
            found.setdefault(row["curve"], {})[point.size] = point
    return {name: [by[size] for size in sorted(by)] for name, by in found.items()}


def is_known(curve: Curve, points: Points, largest: int | None) -> bool:
    """Whether all sizes of a curve were measured; else all are to be, since they take turns."""
    return {point.size for point in points.get(curve.name, [])} >= set(curve.up_to(largest))


def measure_alone(curve: Curve, arguments: Arguments) -> None:
    """Measure one curve in this process, and keep each point."""
    for point in curve.measure(curve.up_to(arguments.largest), arguments.rounds):
        row = {"curve": curve.name, **point._asdict()}
        with json_lines.opened(arguments.out / FILE, wait=True) as file:
            file.append([json.dumps(row) + "\n"])
        print(
            f"{curve.name}, {point.size:,}: {point.seconds:.4g} s, {point.mib:,.1f} MiB", flush=True
        )


def measure_apart(curve: Curve, arguments: Arguments) -> None:
    """Measure one curve in a process of its own, with the devices that it simulates."""
    command = [sys.executable, "-m", "benchmarks.growth", "--alone"]
    command += ["--out", str(arguments.out), "--curves", curve.name]
    command += ["--rounds", str(arguments.rounds)]
    if arguments.largest is not None:
        command += ["--largest", str(arguments.largest)]
    environment = dict(os.environ)
    if curve.devices > 1:
        flag = f"--xla_force_host_platform_device_count={curve.devices}"
        environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {flag}".strip()
    subprocess.run(command, check=True, env=environment)


def table(curves: Sequence[Curve], points: Points) -> str:
    """The points as Markdown: a row a curve, sizes with seconds, MiB and the last exponents."""
    rows = [
        "| against | sizes | seconds | exponent of the last step | MiB | exponent |",
        "|---|---|---|---|---|---|",
    ]
    for curve in curves:
        some = points.get(curve.name, [])
        if not some:
            continue
        sizes = ", ".join(f"{point.size:,}" for point in some)
        seconds = ", ".join(f"{point.seconds:.2g}" for point in some)
        mib = ", ".join(f"{point.mib:,.0f}" for point in some)
        last = [slopes(some, of)[-1] for of in ("seconds", "mib")]
        steep = ["" if slope is None else f"{slope:.2f}" for slope in last]
        told = f"**{curve.name}** ({curve.axis}): {curve.told}"
        rows.append(f"| {told} | {sizes} | {seconds} | {steep[0]} | {mib} | {steep[1]} |")
    return "\n".join(rows)


def show(arguments: Arguments) -> None:
    """Put what was measured on a page, and draw it.

    Raises:
        ConfigError: nothing was measured, or a page without the markers.
    """
    if arguments.page is not None:
        read_page(arguments.page, SECTION)
    points = read(arguments.out)
    require(bool(points), "out", str(arguments.out), "a folder that this command has measured into")
    if arguments.page is not None:
        text = f"Made by `{PROG} --out DIR`.\n\n{table(arguments.chosen, points)}"
        replace_between(arguments.page, SECTION, text)
    if arguments.picture is not None:
        draw(arguments.chosen, points, arguments.picture)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is missing and print the table, or show what is there."""
    arguments = parse(Arguments, argv, prog=PROG, description=__doc__)
    if arguments.page is not None or arguments.picture is not None:
        show(arguments)
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    for curve in arguments.chosen:
        if arguments.alone:
            measure_alone(curve, arguments)
        elif not is_known(curve, read(arguments.out), arguments.largest):
            measure_apart(curve, arguments)
    if not arguments.alone:
        print(table(arguments.chosen, read(arguments.out)))


if __name__ == "__main__":
    cli.run(main)
