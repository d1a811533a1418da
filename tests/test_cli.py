"""The command lines: help, and bad input that ends with one message, exit code 2, no traces."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

import train
from cgan.assemble import assemble
from cgan.commands import sample
from cgan.config import ConfigError, Data, Discriminator, Experiment, Generator, to_json
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.system import cli
from cgan.training import loop
from configs import CONFIGS, summary

ROOT = Path(__file__).parents[1]
DEVICES = 8


class Outcome:
    """How a program ended, and what it said."""

    def __init__(self, code: object, out: str, err: str) -> None:
        self.code = code
        self.out, self.err = plain(out), plain(err)


def plain(text: str) -> str:
    """A text without the frames, colours and line breaks that a terminal is shown."""
    return " ".join(text.translate(str.maketrans("│╭╮╰╯─•", "       ")).split())


Program = Callable[..., Outcome]


@pytest.fixture
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "80")
    return folder


@pytest.fixture
def call(
    in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Program:
    """Run a `main` in this process, as its command line does."""

    def run(main: Callable[[], None], *arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["program", *arguments])
        code: object = 0
        try:
            cli.run(main)
        except SystemExit as stop:
            code = stop.code
        return Outcome(code, *capsys.readouterr())

    return run


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def assert_refused(outcome: Outcome, *words: str) -> None:
    assert outcome.code == 2, outcome.err
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err


def test_help_lists_every_experiment_with_its_summary(call: Program) -> None:
    outcome = call(train.main, "--help")
    assert outcome.code == 0
    for name in CONFIGS:
        assert f"{name} {summary(name)}" in outcome.out


def test_help_of_an_experiment_lists_its_settings_and_their_defaults(call: Program) -> None:
    outcome = call(train.main, "ring8", "--help")
    assert outcome.code == 0
    assert "--optim.lr FLOAT Learning rate at the start. (default: " in outcome.out
    assert "--workdir PATH Folder of the run" in outcome.out
    assert "(default: ring8)" in outcome.out


def test_help_names_the_choices_and_the_numbers_that_an_option_takes(call: Program) -> None:
    said = call(train.main, "digits", "--help").out
    assert "--objective.loss {softmax,pairwise,average,hardest,listwise,nonsaturating," in said
    assert "--objective.temperature-bounds {None}|{FLOAT FLOAT} Learn the temperature" in said
    assert "--objective.top-k {None}|INT Grade each against the hardest" in said
    assert (
        "--embedding.weight FLOAT Weight of this game at the start; 0 leaves the head out." in said
    )
    assert "--penalty.estimator {exact,hutchinson,finite_differences}" in said
    assert "--augment.strength FLOAT Strength, from 0, the samples as they are, to 1," in said
    assert "--micro-batches INT Parts in which a device works through its rows" in said


@pytest.mark.parametrize(
    ("arguments", "section", "changed"),
    [
        (["--penalty.r1", "0"], "penalty", {"r1": 0.0}),
        (["--penalty.gradient-penalty", "10"], "penalty", {"gradient_penalty": 10.0}),
        (["--penalty.estimator", "hutchinson"], "penalty", {"estimator": "hutchinson"}),
        (["--objective.loss", "listwise"], "objective", {"loss": "listwise"}),
        (["--objective.loss", "hinge"], "objective", {"loss": "hinge"}),
        (["--objective.no-dual"], "objective", {"dual": False}),
        (["--objective.top-k", "2"], "objective", {"top_k": 2}),
        (
            ["--objective.temperature-bounds", "0.5", "2"],
            "objective",
            {"temperature_bounds": (0.5, 2.0)},
        ),
        (["--objective.temperature-bounds", "None"], "objective", {}),
        (
            ["--embedding.weight", "1", "--embedding.temperature-bounds", "0.05", "0.5"],
            "embedding",
            {"weight": 1.0, "temperature_bounds": (0.05, 0.5)},
        ),
        (["--augment.strength", "0.3"], "augment", {"strength": 0.3}),
    ],
)
def test_options_change_their_settings_and_no_others(
    call: Program,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    section: str,
    changed: dict[str, object],
) -> None:
    asked: list[Experiment] = []
    monkeypatch.setattr(loop, "train", lambda config, **_: asked.append(config))
    assert call(train.main, "digits", *arguments).code == 0
    before = CONFIGS["digits"]
    after = dataclasses.replace(getattr(before, section), **changed)
    assert asked == [dataclasses.replace(before, **{section: after})]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["digits", "ring8", "Missing subcommand"]),
        (["emnist"], ["emnist", "Available subcommands: digits, stacked_digits"]),
        (["digits", "--colour", "red"], ["Unrecognized options", "--colour"]),
        (["digits", "--optim.momentum", "0.9"], ["Unrecognized options", "--optim.momentum"]),
        (["digits", "--optim.lr"], ["--optim.lr", "Missing value for argument"]),
        (["digits", "--optim.lr", "fast"], ["--optim.lr", "'fast'"]),
        (["digits", "--batch-size", "2.5"], ["--batch-size", "'2.5'"]),
        (["digits", "--data.source", "mnist"], ["--data.source", "'mnist'", "'ring8'"]),
        (["digits", "--generator.architecture", "mpl"], ["--generator.architecture", "'conv'"]),
        (["digits", "--optim.lr", "-1"], ["error: optim.lr = -1.0: must be more than 0"]),
        (["digits", "--optim.lr", "nan"], ["error: optim.lr = nan: must be more than 0"]),
        (["digits", "--penalty.r1", "inf"], ["error: penalty.r1 = inf: must be 0 or more"]),
        (["digits", "--objective.r1", "0"], ["Unrecognized options", "--objective.r1"]),
        (["digits", "--objective.loss", "infonce"], ["--objective.loss", "infonce", "listwise"]),
        (["digits", "--objective.temperature-bounds", "1"], ["--objective.temperature-bounds"]),
        (["digits", "--objective.temperature-bounds", "low", "high"], ["'low', 'high'"]),
        (
            ["digits", "--objective.temperature-bounds", "2", "3"],
            ["error: objective.temperature_bounds = (2.0, 3.0): must be two numbers with 0 < low"],
        ),
        (
            ["digits", "--objective.loss", "hinge", "--objective.no-dual"],
            ["error: objective.dual = False: must be True with objective.loss = 'hinge'"],
        ),
        (
            ["digits", "--embedding.curve", "pairwise"],
            ["error: embedding.curve = 'pairwise': must be 'softmax' with embedding.weight = 0"],
        ),
        (["digits", "--augment.strength", "2"], ["error: augment.strength = 2.0: must be from 0"]),
        (
            ["digits", "--batch-size", "64", "--micro-batches", "3"],
            ["error: micro_batches = 3: must be a divisor of batch_size = 64"],
        ),
        (["digits", "--seed", "-1"], ["error: seed = -1: must be from 0 to 2**32 - 1"]),
        (["digits", "--workdir", ""], ["error: workdir = '.': must be a folder"]),
        (
            ["digits", "--batch-size", "16", "--objective.fakes-per-real", "17"],
            ["error: objective.fakes_per_real = 17: must be at most batch_size = 16"],
        ),
    ],
)
def test_a_wrong_command_line_is_refused(
    call: Program, in_empty_folder: Path, arguments: list[str], words: list[str]
) -> None:
    assert_refused(call(train.main, *arguments), *words)
    assert contents(in_empty_folder) == {}


PLAIN = ["--generator.fourier-features", "0", "--discriminator.fourier-features", "0"]
PLAIN += ["--generator.no-residual"]
CONV = [*PLAIN, "--generator.architecture", "conv", "--discriminator.architecture", "conv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ring8", *CONV], ["error: generator.architecture = 'conv'", "must be 'mlp'"]),
        (
            ["ring8", *PLAIN, "--discriminator.architecture", "conv"],
            ["error: discriminator.architecture = 'conv'", "must be 'mlp'"],
        ),
        (
            ["digits", *CONV, "--generator.depth", "4"],
            ["error: generator.depth = 4", "8x8", "must be at most 3"],
        ),
        (
            ["digits", *CONV, "--generator.depth", "2", "--discriminator.depth", "9"],
            ["error: discriminator.depth = 9", "8x8", "must be at most 3"],
        ),
        (
            ["digits", *CONV, "--generator.depth", "2", "--generator.patch-size", "4"],
            ["error: generator.depth = 2", "8x8 in squares of 4", "must be at most 1"],
        ),
        (
            ["digits", *CONV, "--generator.depth", "2", "--discriminator.patch-size", "3"],
            ["error: discriminator.patch_size = 3", "8x8", "must be one of 1, 2, 4"],
        ),
        (
            ["digits", *CONV, "--generator.depth", "1", "--generator.patch-size", "8"],
            ["error: generator.patch_size = 8", "can't be halved", "must be one of 1, 2, 4"],
        ),
        (
            ["ring8", *PLAIN, "--generator.residual", "--generator.latent-dim", "3"],
            ["error: generator.residual = True", "(2,)", "generator.latent_dim is 3"],
        ),
        (
            ["ring8", "--batch-size", "12", "--objective.fakes-per-real", "None"],
            [f"error: batch_size = 12: must be a multiple of the {DEVICES} devices", "8 or 16"],
        ),
        (
            ["ring8", "--batch-size", "3", "--objective.fakes-per-real", "None"],
            [f"error: batch_size = 3: must be a multiple of the {DEVICES} devices", "is 8"],
        ),
        (
            ["ring8", "--batch-size", "16", "--micro-batches", "4"],
            [f"error: micro_batches = 4: must divide the 2 rows of each of the {DEVICES} devices"],
        ),
    ],
)
def test_settings_that_do_not_fit_data_or_devices_are_refused(
    call: Program, in_empty_folder: Path, arguments: list[str], words: list[str]
) -> None:
    assert_refused(call(train.main, *arguments), *words)
    assert contents(in_empty_folder) == {}


@pytest.mark.parametrize("workdir", ["file", "file/inside", "file/deep/inside"])
def test_a_workdir_that_is_or_passes_a_file_is_refused(
    call: Program, in_empty_folder: Path, workdir: str
) -> None:
    (in_empty_folder / "file").write_text("mine")
    before = contents(in_empty_folder)
    outcome = call(train.main, "ring8", "--workdir", workdir)
    assert_refused(outcome, f"error: workdir = '{workdir}'", "is a file; must be a folder")
    assert contents(in_empty_folder) == before


def test_a_workdir_of_another_run_is_refused_with_what_differs(
    call: Program, in_empty_folder: Path
) -> None:
    there = Experiment(workdir=Path("run"), data=Data("ring8"), seed=41)
    Workdir(in_empty_folder / "run").create(there)
    before = contents(in_empty_folder)
    outcome = call(train.main, "ring8", "--workdir", "run", "--seed", "42")
    assert_refused(outcome, "error: workdir = 'run'", "another config", "seed is 41 there, not 42")
    assert contents(in_empty_folder) == before


def test_a_run_may_go_on_with_its_images_cached_or_not(tmp_path: Path) -> None:
    data = Data("folder", path=tmp_path)
    there = Experiment(workdir=tmp_path / "run", data=data)
    Workdir(there.workdir).create(there)
    uncached = dataclasses.replace(data, cached=False)
    Workdir(there.workdir).check(dataclasses.replace(there, data=uncached))
    flipped = dataclasses.replace(there, data=dataclasses.replace(uncached, flip=True))
    with pytest.raises(ConfigError, match=r"\(data.flip is False there, not True\)"):
        Workdir(there.workdir).check(flipped)


@pytest.mark.parametrize("leftover", ["checkpoints", "metrics.jsonl"])
def test_a_workdir_that_lost_its_config_is_refused(
    call: Program, in_empty_folder: Path, leftover: str
) -> None:
    left = in_empty_folder / "run" / leftover
    left.parent.mkdir()
    left.mkdir() if leftover == "checkpoints" else left.touch()
    before = contents(in_empty_folder)
    outcome = call(train.main, "ring8", "--workdir", "run")
    assert_refused(outcome, "error: workdir = 'run'", "without a config.json")
    assert contents(in_empty_folder) == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seed": 1}'])
def test_a_workdir_with_a_broken_config_is_refused(
    call: Program, in_empty_folder: Path, text: str
) -> None:
    (in_empty_folder / "run").mkdir()
    (in_empty_folder / "run" / "config.json").write_text(text)
    before = contents(in_empty_folder)
    assert_refused(call(train.main, "ring8", "--workdir", "run"), "error: run/config.json: ")
    assert_refused(call(sample.main, "run", "--out", "x.png"), "error: run/config.json: ")
    assert contents(in_empty_folder) == before


def untrained_run(root: Path, *nimgs: int) -> None:
    """A run whose checkpoints hold the state before the first step."""
    config = Experiment(
        workdir=root,
        data=Data("ring8"),
        generator=Generator(latent_dim=2, width=2, depth=1),
        discriminator=Discriminator(width=2, depth=1),
    )
    workdir = Workdir(root)
    workdir.create(config)
    if nimgs:
        with Checkpoints(workdir.checkpoints) as checkpoints:
            for nimg in nimgs:
                checkpoints.save(nimg, assemble(config).init_state())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["PATH Folder of the run", "--out"]),
        (["run"], ["--out"]),
        (["run", "--out", "x.png"], ["error: run: not a run, config.json is missing"]),
        (
            ["run", "--out", "x.jpg"],
            ["error: out = 'x.jpg': must be a .png or .npz or .fasta file"],
        ),
        (["run", "--out", "x"], ["error: out = 'x': must be a .png or .npz or .fasta file"]),
        (["run", "--out", "x.png", "--n", "0"], ["error: n = 0: must be more than 0"]),
        (["run", "--out", "x.png", "--n", "-8"], ["error: n = -8: must be more than 0"]),
        (["run", "--out", "x.png", "--n", "many"], ["--n", "'many'"]),
        (["run", "--out", "x.png", "--seed", "-1"], ["error: seed = -1: must be from 0"]),
        (
            ["run", "--out", "x.png", "--interpolate", "--n", "12"],
            ["error: n = 12: must be a multiple of 8 to interpolate"],
        ),
    ],
)
def test_a_wrong_request_for_samples_is_refused(
    call: Program, in_empty_folder: Path, arguments: list[str], words: list[str]
) -> None:
    assert_refused(call(sample.main, *arguments), *words)
    assert contents(in_empty_folder) == {}


def test_samples_are_not_written_over_a_folder(call: Program, in_empty_folder: Path) -> None:
    (in_empty_folder / "grid.png").mkdir()
    assert_refused(call(sample.main, "run", "--out", "grid.png"), "error: out = 'grid.png'")


def test_samples_below_a_file_are_refused_before_they_are_drawn(
    call: Program, in_empty_folder: Path
) -> None:
    (in_empty_folder / "file").write_text("mine")
    outcome = call(sample.main, "run", "--out", "file/grid.png")
    assert_refused(outcome, "error: out = 'file/grid.png'", "in a folder; ", "/file is a file")


def test_a_run_without_checkpoints_is_refused(call: Program, in_empty_folder: Path) -> None:
    untrained_run(in_empty_folder / "run")
    before = contents(in_empty_folder)
    assert_refused(call(sample.main, "run", "--out", "x.png"), "error: run: has no checkpoints yet")
    assert contents(in_empty_folder) == before
    (in_empty_folder / "run" / "checkpoints").mkdir()
    assert_refused(call(sample.main, "run", "--out", "x.png"), "error: run: has no checkpoints yet")


def test_an_unknown_checkpoint_is_refused_with_those_that_exist(
    call: Program, in_empty_folder: Path
) -> None:
    untrained_run(in_empty_folder / "run", 64, 128)
    before = contents(in_empty_folder)
    outcome = call(sample.main, "run", "--out", "x.png", "--checkpoint", "96")
    assert_refused(outcome, "error: checkpoint 96: not in run/checkpoints; it holds 64, 128")
    assert contents(in_empty_folder) == before


@pytest.mark.parametrize(
    ("program", "arguments", "message"),
    [
        (["train.py"], ["digits", "--optim.lr", "0"], "error: optim.lr = 0.0: must be more than 0"),
        (["-m", "eval"], ["run", "--n", "0"], "error: n = 0: must be at least 2 samples"),
        (
            ["-m", "cgan.sample"],
            ["run", "--out", "x"],
            "error: out = 'x': must be a .png or .npz or .fasta",
        ),
    ],
)
def test_in_a_process_of_its_own_an_error_is_one_line_and_does_not_wait_for_jax(
    program: list[str], arguments: list[str], message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *program, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    imported, said = [], []
    for line in done.stderr.splitlines():
        (imported if line.startswith("import time:") else said).append(line)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(said) == 1
    assert said[0].startswith(message)
    modules = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in imported}
    assert "tyro" in modules
    assert not modules & {"jax", "flax", "orbax"}


def test_the_config_of_a_run_reads_back_from_its_folder(in_empty_folder: Path) -> None:
    untrained_run(in_empty_folder / "run")
    workdir = Workdir(in_empty_folder / "run")
    assert to_json(workdir.read_config()) == workdir.config.read_text()


def test_a_workdir_that_cannot_be_written_is_named(
    call: Program, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    outcome = call(train.main, "digits", "--workdir", "closed/run", "--batch-size", "64")
    assert_refused(outcome, "workdir = 'closed/run'", "Permission denied", "can be written")
    assert contents(in_empty_folder) == {}


def test_ctrl_c_ends_with_its_own_exit_code_and_no_traceback(call: Program) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    outcome = call(interrupted)
    assert outcome.code == 130
    assert outcome.err == "stopped by Ctrl-C"


def test_memory_that_runs_out_is_said_in_one_line_with_what_takes_less(call: Program) -> None:
    outcome = call(lambda: jnp.zeros(2**45).block_until_ready())
    assert outcome.code == 1
    assert outcome.err.startswith("error: out of memory (RESOURCE_EXHAUSTED")
    assert "--micro-batches" in outcome.err

    def faulty() -> None:
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="a fault of ours"):
        call(faulty)


WANTED = "must be cpu, which is all that JAX finds here, or left out; for another accelerator"


@pytest.mark.parametrize("error", [RuntimeError("Unable to initialize backend"), AssertionError()])
def test_devices_that_jax_does_not_find_are_said_in_one_line(
    error: Exception, call: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JAX raises one or the other, as its packages are installed."""
    real, updates = jax.devices, []

    def devices() -> list[jax.Device]:
        if not updates:
            raise error
        return real()

    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setattr(jax, "devices", devices)
    monkeypatch.setattr(jax.config, "update", lambda *change: updates.append(change))
    assert_refused(
        call(train.main, "digits", "--batch-size", "64"), f"error: JAX_PLATFORMS = 'cuda': {WANTED}"
    )
    assert updates == [("jax_platforms", None)]


def test_grids_of_images_wait_for_neither_matplotlib_nor_scipys_clusters() -> None:
    program = "import sys, cgan.training.loop, cgan.sampling.runs; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    imported = done.stdout.split()
    assert "cgan.sampling.pictures" in imported
    assert not {"matplotlib", "scipy.cluster"} & set(imported)


def test_a_misspelled_platform_is_named_before_anything_is_written(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "train.py", "digits", "--workdir", str(tmp_path / "run")],
        cwd=ROOT,
        env=os.environ | {"JAX_PLATFORMS": "cdua"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("error: JAX_PLATFORMS = 'cdua': must be ")
    assert not (tmp_path / "run").exists()
