"""The package as others install it: its names, its commands and what is in the wheel."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType

import pytest
from setuptools import find_packages

import cgan
import eval as evaluation

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FACES = pytest.mark.parametrize("face", [cgan, evaluation], ids=lambda face: face.__name__)


@FACES
def test_a_face_hands_on_what_it_lists(face: ModuleType) -> None:
    for name in face.__all__:
        assert getattr(face, name).__name__ == name
    assert set(face.__all__) <= set(dir(face))
    with pytest.raises(AttributeError, match=f"module '{face.__name__}' has no attribute 'absent'"):
        face.absent  # noqa: B018


@FACES
def test_no_name_of_a_face_is_a_modules_too(face: ModuleType) -> None:
    """Importing the module would put it in the name's place."""
    folder = ROOT / face.__name__
    modules = {path.stem for path in folder.glob("*.py")} | {p.name for p in folder.iterdir()}
    assert not modules & set(face.__all__)


def test_settings_do_not_wait_for_jax() -> None:
    program = "import cgan, sys; cgan.Experiment, cgan.ConfigError; print('jax' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert told.stdout == "False\n", told.stderr


def test_console_commands_name_functions_that_are_there() -> None:
    commands = PROJECT["project"]["scripts"]
    assert commands.keys() == {"cgan-train", "cgan-sample", "cgan-eval"}
    for name, place in commands.items():
        assert callable(resolve_name(place)), name


def test_packages_are_those_of_the_product() -> None:
    options = PROJECT["tool"]["setuptools"]["packages"]["find"]
    found = set(find_packages(str(ROOT), include=options["include"]))
    assert {name.partition(".")[0] for name in found} == {"cgan", "configs", "eval"}
    folders = {path.parent for path in (ROOT / "cgan").rglob("*.py")}
    folders |= {path.parent for path in (ROOT / "eval").rglob("*.py")}
    assert {str(folder.relative_to(ROOT)).replace("/", ".") for folder in folders} <= found


@pytest.mark.slow
def test_the_wheel_holds_the_product_alone(tmp_path: Path) -> None:
    copy, out = tmp_path / "copy", tmp_path / "wheel"
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "build", "runs", "*.egg-info")
    shutil.copytree(ROOT, copy, ignore=unwanted)
    program = f"from setuptools import build_meta; build_meta.build_wheel({str(out)!r})"
    subprocess.run([sys.executable, "-c", program], cwd=copy, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    assert wheel.name == f"contrastive_gan-{cgan.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        needs = files.read(metadata).decode().split("\n\n")[0].splitlines()
    code = {name for name in names if ".dist-info/" not in name}
    modules = {
        path for folder in ("cgan", "configs", "eval") for path in (ROOT / folder).rglob("*.py")
    }
    assert code == {"train.py"} | {str(path.relative_to(ROOT)) for path in modules}
    required = [
        line
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    listed = [
        line for line in needs if line.startswith("Requires-Dist: ") and "extra ==" not in line
    ]
    assert len(listed) == len(required)
