"""Wheels for a machine without a network: `python -m benchmarks.accelerator.wheels --out wheels`.

Downloads what `benchmarks/accelerator/requirements.txt` asks for, with what that needs in turn, but
for what is there already. There, `python -m pip install --no-index --find-links wheels -r
benchmarks/accelerator/requirements.txt` installs what is missing.
"""

import email
import re
import subprocess
import sys
import zipfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from cgan.config import ConfigError, require
from cgan.system import cli
from cgan.system.arguments import parse

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
GLIBC = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")
"""Systems whose wheels the machine takes, beside those for any."""


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command that gathers wheels for a machine without a network."""

    out: Path
    """Folder for the wheels."""
    python_version: str = "3.12"
    """Python of that machine."""
    processor: str = "x86_64"
    """Kind of its processor, as wheels name it."""
    have: tuple[str, ...] = (
        "flax",
        "jax",
        "matplotlib",
        "numpy",
        "optax",
        "pillow",
        "rich",
        "scikit-learn",
        "scipy",
    )
    """Packages that are there, with all that they need."""

    def __post_init__(self) -> None:
        fitting = re.fullmatch(r"3\.\d+", self.python_version) is not None
        require(fitting, "python_version", self.python_version, "as 3.12")
        require(not self.out.is_file(), "out", str(self.out), "a folder")


def named(package: str) -> str:
    """A package's name as it is compared: `Foo_Bar` and `foo-bar` are one."""
    return re.sub(r"[-_.]+", "-", package).lower()


def asked(lines: list[str], arguments: Arguments) -> Iterator[Requirement]:
    """Requirements that hold on that machine, and that it lacks."""
    environment = {
        "extra": "",
        "platform_machine": arguments.processor,
        "platform_system": "Linux",
        "python_full_version": f"{arguments.python_version}.0",
        "python_version": arguments.python_version,
        "sys_platform": "linux",
    }
    there = set(map(named, arguments.have))
    for line in lines:
        requirement = Requirement(line)
        holds = requirement.marker is None or requirement.marker.evaluate(environment)
        if holds and named(requirement.name) not in there:
            yield requirement


def requirements() -> list[str]:
    """The requirements that the benchmark's file lists."""
    lines = (line.partition("#")[0].strip() for line in REQUIREMENTS.read_text().splitlines())
    return [line for line in lines if line]


def needs(wheel: Path) -> list[str]:
    """Requirements that a wheel says that it has."""
    with zipfile.ZipFile(wheel) as archive:
        (file,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(file))
    return metadata.get_all("Requires-Dist", [])


def download(requirement: Requirement, arguments: Arguments) -> Path:
    """Download the newest wheel of a requirement for that machine.

    Raises:
        ConfigError: there is none, or no network here either.
    """
    asked_for = f"{requirement.name}{requirement.specifier}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--python-version", arguments.python_version, "--dest", str(arguments.out)]
    for system in GLIBC:
        command += ["--platform", f"{system}_{arguments.processor}"]
    done = subprocess.run([*command, asked_for], capture_output=True, text=True)
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = (told or done.stderr.splitlines() or ["it says nothing"])[-1]
        raise ConfigError(f"{asked_for}: pip can't download a wheel for that machine ({reason})")
    of_package = (
        wheel
        for wheel in arguments.out.glob("*.whl")
        if named(wheel.name.split("-")[0]) == named(requirement.name)
    )
    return max(of_package, key=lambda wheel: wheel.stat().st_mtime_ns)


def gather(arguments: Arguments) -> list[Path]:
    """Download all wheels that the machine lacks.

    Raises:
        ConfigError: as for `download`.
    """
    arguments.out.mkdir(parents=True, exist_ok=True)
    waiting, found = deque(asked(requirements(), arguments)), dict[str, Path]()
    while waiting:
        requirement = waiting.popleft()
        if named(requirement.name) not in found:
            wheel = found[named(requirement.name)] = download(requirement, arguments)
            waiting.extend(asked(needs(wheel), arguments))
    return sorted(found.values())


def main() -> None:
    """Gather, list the wheels, and say how to install them."""
    prog = "python -m benchmarks.accelerator.wheels"
    arguments = parse(Arguments, prog=prog, description=__doc__)
    wheels = gather(arguments)
    for wheel in wheels:
        print(f"{wheel.stat().st_size / 1e6:6.2f} MB  {wheel.name}")
    print(f"there: python -m pip install --no-index --find-links {arguments.out} -r {REQUIREMENTS}")


if __name__ == "__main__":
    cli.run(main)
