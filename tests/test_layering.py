"""The order of the layers: a file imports only from rows above its own."""

import ast
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

Layers = list[set[str]]
"""The rooms and top-level files of a package, lowest first."""

CGAN_LAYERS: Layers = [
    {"kinds"},
    {"datasets"},
    {"axis", "config", "types"},
    {"finite", "rng", "schedules", "system"},
    {"parallel"},
    {"accumulation", "augment", "data", "networks", "objectives", "optim", "prior"},
    {"bank", "surrogate", "translation"},
    {"state"},
    {"step"},
    {"federated"},
    {"assemble"},
    {"multi_seed", "run_folder"},
    {"sampling", "sinks"},
    {"probe"},
    {"pretext"},
    {"training"},
    {"commands"},
    {"augmented", "cache", "rank", "sample", "translate"},
]
EVAL_LAYERS: Layers = [
    {"files", "names", "splits"},
    {"extractors"},
    {"metrics"},
    {"together"},
    {"gather", "sample_files"},
    {"dataset", "display"},
    {"records"},
    {"clients", "measuring", "robustness", "surrogate", "tracked"},
    {"few_labels", "study", "verdict"},
    {"graded", "report"},
    {"search"},
    {"commands"},
    {"__main__"},
]
LAYERS = {"cgan": CGAN_LAYERS, "eval": EVAL_LAYERS}
"""By package. The last row of each holds its doors: `python -m cgan.sample`, `python -m eval`."""

REGISTRY = "cgan.datasets"
"""Names data sets, and imports the file of one when that is loaded: the only arrow upward."""
DOORS = {
    *(f"{package}.{name}" for package, layers in LAYERS.items() for name in layers[-1]),
    "cgan.data.__main__",
}
USERS_CODE = "eval.search.given"
"""Runs the Python file that a user names on a command line; nothing of the project's own."""
AXIS_OPERATIONS = {"all_gather", "all_to_all", "axis_index", "pmax", "pmean", "ppermute", "psum"}
DEVICE_MAPS = {"pmap", "shard_map", "xmap"}


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports, those inside functions too."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by full name"
            assert node.module is not None
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = {name for name in names if is_module(name)}
            found |= modules
            if modules != names:
                found.add(node.module)
    return found


def packages(path: Path) -> set[str]:
    """Top-level packages that a file imports."""
    return {name.partition(".")[0] for name in imports(path)}


def names_used(path: Path) -> set[str]:
    """Every name, attribute and imported name in a file's code; its words in prose don't count."""
    used: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            used |= {part for alias in node.names for part in alias.name.split(".")}
    return used


CGAN = python_files("cgan")
LAYERED = python_files(*LAYERS)
PROJECT = [*python_files("cgan", "configs", "eval"), ROOT / "train.py"]

Check = Callable[[Path], None]


def of_each(paths: Iterable[Path]) -> Callable[[Check], Callable[[], None]]:
    """One test of many files: as many tests would take longer to be told apart than to run."""

    def of_all(check: Check) -> Callable[[], None]:
        def test() -> None:
            wrong = {}
            for path in paths:
                try:
                    check(path)
                except AssertionError as error:
                    wrong[module_name(path)] = str(error)
            assert not wrong

        test.__doc__ = check.__doc__
        return test

    return of_all


def test_imports_are_found() -> None:
    assert {
        "cgan.system.files",
        "cgan.sampling.runs",
        "cgan.system.cli",
        "cgan.config",
        "tyro",
    } <= imports(ROOT / "cgan/commands/sample.py")
    assert "cgan.networks.layers" in imports(ROOT / "cgan/networks/conv.py")
    assert "pmap" in names_used(ROOT / "cgan/parallel.py")


def row_of(package: str) -> dict[str, int]:
    """The row of each room and top-level file of a package."""
    return {part: row for row, parts in enumerate(LAYERS[package]) for part in parts}


def part_of(module: str) -> str:
    """The room or top-level file that a module is, or is in; nothing for the package itself."""
    return [*module.split("."), ""][1]


@pytest.mark.parametrize("package", LAYERS)
def test_every_part_of_a_package_has_one_row(package: str) -> None:
    parts = {part_of(module_name(path)) for path in python_files(package)} - {""}
    assert sum(map(len, LAYERS[package])) == len(row_of(package))
    assert parts == set(row_of(package))


@of_each(LAYERED)
def test_a_file_imports_only_from_the_rows_above_its_own(path: Path) -> None:
    module = module_name(path)
    package, part, row = module.split(".")[0], part_of(module), row_of(module.split(".")[0])
    inside = {name for name in imports(path) if name.split(".")[0] == package}
    if module == package:
        return
    assert package not in inside, "the face is for others: import from where it is defined"
    used = set(map(part_of, inside))
    if module in DOORS:
        assert "commands" in used
        assert used <= {"commands", "system"}
        return
    if module == REGISTRY:
        assert used == {"kinds", "data"}
        at_once = [node for node in tree(path).body if isinstance(node, ast.ImportFrom)]
        assert not [node for node in at_once if str(node.module).startswith("cgan.data")]
        return
    for other in used - {part}:
        assert row[other] < row[part], f"{part} imports {other}"


@of_each(CGAN)
def test_cgan_knows_neither_evaluation_nor_experiments(path: Path) -> None:
    assert not packages(path) & {"eval", "configs", "train", "tests"}


def test_configs_import_only_the_config_classes() -> None:
    for path in python_files("configs"):
        assert {n for n in imports(path) if n.startswith("cgan")} <= {"cgan.config"}
        assert not packages(path) & {"eval", "train", "jax"}


@of_each(PROJECT)
def test_flax_stays_in_the_networks_and_the_extractors(path: Path) -> None:
    if not module_name(path).startswith(("cgan.networks", "eval.extractors")):
        assert "flax" not in packages(path)


@of_each(PROJECT)
def test_devices_stay_in_parallel(path: Path) -> None:
    if module_name(path) != "cgan.parallel":
        assert not names_used(path) & (DEVICE_MAPS | AXIS_OPERATIONS)


PURE = [ROOT / "cgan/accumulation.py", *python_files("cgan/augment", "cgan/objectives")]


@of_each(PURE)
def test_objectives_views_and_accumulation_know_neither_networks_nor_devices(path: Path) -> None:
    assert not imports(path) & {"cgan.parallel", "cgan.networks", "cgan.state", "cgan.step"}


OF_GANS = {"assemble", "networks", "objectives", "pretext", "probe", "sampling", "state", "step"}
OF_THE_LOOP = ("loop", "outputs", "procedure", "progress", "stop_vote", "watch")


@pytest.mark.parametrize("name", OF_THE_LOOP)
def test_the_loop_knows_no_gan(name: str) -> None:
    found = imports(ROOT / f"cgan/training/{name}.py")
    assert not {f"cgan.{part}" for part in OF_GANS} & {".".join(n.split(".")[:2]) for n in found}
    assert not found & {"cgan.training.gan", "cgan.training.collapse_watch"}


@of_each(PROJECT)
def test_the_config_is_imported_whole(path: Path) -> None:
    if not module_name(path).startswith("cgan.config"):
        assert not [name for name in imports(path) if name.startswith("cgan.config.")]


@of_each(PROJECT)
def test_nothing_is_chosen_by_an_import_string(path: Path) -> None:
    forbidden = {"importlib", "pkgutil", "runpy"}
    if module_name(path) == USERS_CODE:
        forbidden.remove("importlib")
    assert not packages(path) & forbidden
    modules = {
        alias.asname or alias.name.split(".")[0]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree(path)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        assert node.func.id not in {"__import__", "eval", "exec", "globals"}
        if node.func.id == "getattr":
            target = ast.unparse(node.args[0]).split(".")[0]
            assert target not in modules, f"line {node.lineno}: getattr on {target}"
