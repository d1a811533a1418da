"""Bad input on every command line: exit code 2 and one message, before anything is done."""

import contextlib
import dataclasses
import io
import json
import shlex
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import train
from cgan.assemble import assemble
from cgan.commands import augmented, rank, sample, translate
from cgan.config import Data, Discriminator, Experiment, Generator, to_json
from cgan.data.digits import load_digits
from cgan.run_folder.checkpoint import Checkpoints
from cgan.run_folder.workdir import Workdir
from cgan.system import cli
from cgan.training import loop
from configs import CONFIGS
from eval import __main__ as evaluate

PROGRAMS: dict[str, Callable[[], None]] = {
    "train": train.main,
    "sample": sample.main,
    "rank": rank.main,
    "augmented": augmented.main,
    "translate": translate.main,
    "eval": evaluate.main,
}
WAYS_OUT = ("must be ", "must hold ", "must divide ", "it holds ", "download ")
"""What would be right; our messages say one of these."""
LONG = "9" * 40


class Outcome(NamedTuple):
    """How a program ended, what it said, and what JAX compiled on the way."""

    code: object
    out: str
    err: str
    compiled: list[str]


def call(command: list[str]) -> Outcome:
    """Run a program in this process, as its command line does."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    compiled: list[str] = []

    def listen(event: str, *_: object, **__: object) -> None:
        if "backend_compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", command)
            patch.setenv("COLUMNS", "200")
            cli.run(PROGRAMS[command[0]])
    except SystemExit as stop:
        code = stop.code
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return Outcome(code, out.getvalue(), err.getvalue(), compiled)


def assert_refused(outcome: Outcome) -> None:
    """One message with a way out: ours is a line, the parser's points to the help."""
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.compiled == []
    assert "Traceback" not in outcome.err
    if "error: " in outcome.err:
        assert outcome.err.startswith("error: ")
        assert outcome.err.count("\n") == 1
        assert any(words in outcome.err for words in WAYS_OUT), outcome.err
    else:
        assert outcome.err.count("For full helptext") == 1, outcome.err


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Sizes and times of change of all that is below a folder."""
    stats = {str(path): path.lstat() for path in folder.rglob("*")}
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


def make_run(root: Path, source: Literal["ring8", "digits"], saved: bool = True) -> None:
    config = Experiment(
        workdir=root,
        data=Data(source),
        generator=Generator(latent_dim=2, width=2, depth=1),
        discriminator=Discriminator(width=2, depth=1),
    )
    Workdir(root).create(config)
    if saved:
        with Checkpoints(root / "checkpoints") as checkpoints:
            checkpoints.save(64, assemble(config).init_state())


def changed_config(root: Path, section: str | None, **fields: Any) -> None:
    """A run whose config.json has these values."""
    values = json.loads(to_json(Experiment(workdir=root, data=Data("ring8"))))
    (values if section is None else values[section]).update(fields)
    root.mkdir()
    (root / "config.json").write_text(json.dumps(values))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs and files, good and bad ones."""
    root = tmp_path_factory.mktemp("workplace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(root / "cache"))
        load_digits("train")  # so that no command below is the first to keep them
    with contextlib.chdir(root):
        make_run(Path("run"), "ring8")
        make_run(Path("images"), "digits")
        make_run(Path("unsaved"), "ring8", saved=False)
        changed_config(Path("unknown"), None, tint="red")
        changed_config(Path("unknown_inside"), "optim", momentum=0.9)
        changed_config(Path("wrong"), None, seed=-1)
        changed_config(Path("wrong_inside"), "optim", lr=-1.0)
        changed_config(Path("too_wide"), "generator", width=10**12)
        changed_config(Path("no_section"), None, optim=[])
        changed_config(Path("broken_lines"), None, **{"a\nb\x1b[2J": 1})
        changed_config(Path("long_name"), None, **{"x" * 10**6: 1})
        changed_config(Path("vast"), None, **{"x" * 10**7: 1})
        changed_config(Path("elsewhere"), None, data={"source": "moon"})
        Path("list").mkdir()
        Path("list/config.json").write_text("[]")
        Path("folder/config.json").mkdir(parents=True)
        Path("empty").mkdir()
        Path("file").write_text("mine")
        Path("none.zip").write_bytes(b"PK\5\6" + bytes(18))
        Path("text.zip").write_text("mine")
        Path("one").mkdir()
        Image.new("L", (8, 8)).save("one/a.png")
        np.savez("points.npz", features=np.zeros((9, 2), np.float32))
        np.savez("other.npz", features=np.zeros((9, 3), np.float32))
        np.savez("whole.npz", samples=np.zeros((9, 2), np.int64))
        np.savez("two.npz", a=np.zeros((9, 2)), b=np.zeros((9, 2)))
        np.savez("bad.npz", features=np.full((9, 2), np.nan))
    return root


REFUSED = {
    # train.py: what the parser refuses
    "train": "Missing subcommand",
    "train emnist": "emnist",
    "train digits ring8": "Unrecognized options: ring8",
    "train digits --colour red": "Unrecognized options: --colour",
    "train digits --optim.lr": "Missing value for argument '--optim.lr'",
    "train digits --optim.lr fast": "Error parsing --optim.lr: could not convert",
    "train digits --batch-size 2.5": "Error parsing --batch-size: invalid literal",
    "train digits --seed ''": "Error parsing --seed: invalid literal for int() with base 10: ''",
    "train digits --data.channels 2": "invalid choice '2' for argument '--data.channels'",
    "train digits --objective.loss infonce": "invalid choice 'infonce' for argument",
    "train digits --objective.dual no": "Unrecognized options: no",
    "train digits --objective.top-k all": "Error parsing --objective.top-k",
    "train digits --objective.temperature-bounds 1": "--objective.temperature-bounds",
    # train.py: values
    "train digits --optim.lr -1": "optim.lr = -1.0: must be more than 0",
    "train digits --optim.lr nan": "optim.lr = nan: must be more than 0",
    "train digits --optim.lr 1e-60": "optim.lr = 1e-60: must be at least 1.18e-38, below which",
    "train digits --optim.beta2 1": "optim.beta2 = 1.0: must be from 0 to below 1",
    "train digits --penalty.r1 1e60": "penalty.r1 = 1e+60: must be at most 3.4e+38, as float32 is",
    "train digits --objective.temperature 0": "objective.temperature = 0.0: must be more than 0",
    f"train digits --generator.width {LONG}": f"generator.width = {LONG}: must be at most 65536",
    "train ring8 --generator.depth 257": "generator.depth = 257: must be at most 256",
    "train digits --generator.latent-dim 0": "generator.latent_dim = 0: must be more than 0",
    "train ring8 --discriminator.max-frequency 0": "discriminator.max_frequency = 0.0: must be 1",
    f"train digits --total-nimg {LONG}": f"total_nimg = {LONG}: must be at most 9007199254740992",
    "train digits --batch-size 0": "batch_size = 0: must be more than 0",
    "train digits --batch-size 2097152": "batch_size = 2097152: must be at most 1048576",
    "train digits --steps-per-dispatch 65537": "steps_per_dispatch = 65537: must be at most 65536",
    "train digits --seed 4294967296": "seed = 4294967296: must be from 0 to 2**32 - 1",
    "train digits --workers -1": "workers = -1: must be from 0 to 256",
    "train digits --augment.strength 1.1": "augment.strength = 1.1: must be from 0 to 1",
    # train.py: what does not fit together
    "train digits --micro-batches 3": "micro_batches = 3: must be a divisor of batch_size = 64",
    "train digits --batch-size 20": "batch_size = 20: must be a multiple of the 8 devices",
    "train digits --micro-batches 16": "micro_batches = 16: must divide the 8 rows",
    "train digits --objective.fakes-per-real 65": "objective.fakes_per_real = 65: must be at most",
    "train digits --objective.weight 0": "objective.weight = 0.0: must be more than 0 where",
    "train digits --embedding.dimensions 8": "embedding.dimensions = 8: must be 64 with em",
    "train digits --conditioning.compare same_class": "conditioning.compare = 'same_class': must",
    "train grid25 --generator.latent-dim 3": "generator.latent_dim is 3",
    "train cifar10 --data.source digits": "data.name = 'cifar10': must be None with data.source",
    "train digits --workers 2": "workers = 2: must be 0 with data.cached = True, which leaves",
    "train digits --data.no-cached": "data.cached = False: must be True with data.source",
    "train cifar10 --data.no-cached --data.unusable skip": "data.unusable = 'skip': must be 'fail'",
    # train.py: files
    "train digits --workdir ''": "workdir = '.': must be a folder",
    "train digits --workdir /": "the root of the file system; must be a folder of the run's own",
    "train digits --workdir file/run": "file is a file; must be a folder",
    f"train digits --workdir {'w' * 300}": "File name too long",
    "train digits --workdir run": "workdir = 'run': holds a run with another config",
    "train ffhq64 --data.path nothing": "data.path = 'nothing': is not there",
    "train ffhq64 --data.path file": "data.path = 'file': is a file; must be a folder or a .zip",
    "train ffhq64 --data.path empty": "data.path = 'empty': holds no images; must hold files that",
    "train ffhq64 --data.path none.zip": "data.path = 'none.zip': holds no images; must hold",
    "train ffhq64 --data.path text.zip": "data.path = 'text.zip': is no zip archive (File is not",
    f"train ffhq64 --data.path {'p' * 300}": "can't be read (File name too long); must be a folder",
    "train ffhq64 --data.resolution 4096": "data.resolution = 4096: must be at most 2048",
    "train cifar10 --data.data-dir empty": "data.name = 'cifar10': is not prepared in empty",
    "train cifar10 --data.name moon --data.data-dir empty": "data.name = 'moon': Dataset moon not",
    "train cifar10 --data.name ../x": "data.name = '../x': Parsing builder name string ../x failed",
    "train cifar10 --data.name cifar10:9.9.9": "cannot be loaded at version 9.9.9, only: 3.0.2",
    "train cifar10 --data.name huggingface:a/b": "data.name = 'huggingface:a/b': is of another",
    # cgan.sample
    "sample": "--out PATH",
    "sample run": "--out PATH",
    "sample run --out x.jpg": "out = 'x.jpg': must be a .png or .npz or .fasta file",
    "sample run --out file/x.png": "out = 'file/x.png': must be in a folder",
    "sample run --out x.png --n 0": "n = 0: must be more than 0",
    f"sample run --out x.png --n {LONG}": f"n = {LONG}: must be at most 16777216",
    "sample run --out x.png --n 12 --interpolate": "n = 12: must be a multiple of 8 to interpolate",
    "sample run --out x.npz --split-channels": "out = 'x.npz': must be a .png file with --split",
    "sample run --out x.png --split-channels": "split_channels = True: must be False: samples",
    "sample run --out x.png --seed -1": "seed = -1: must be from 0 to 2**32 - 1",
    "sample run --out x.png --checkpoint 63": "checkpoint 63: not in run/checkpoints; it holds 64",
    "sample run --out x.png --class 3": "class = '3': must be left out for this run",
    "sample nothing --out x.png": "nothing: not a run, config.json is missing; must be a folder",
    "sample file --out x.png": "file: not a run, config.json is missing; must be a folder",
    "sample folder --out x.png": "folder: not a run, config.json is missing; must be a folder",
    "sample unsaved --out x.png": "unsaved: has no checkpoints yet; must be a run that has saved",
    "sample list --out x.png": "list/config.json: config = []: must be an object",
    "sample unknown --out x.png": "unknown/config.json: tint = 'red': must be one of workdir",
    "sample unknown_inside --out x.png": "optim.momentum = 0.9: must be one of lr, final_lr",
    "sample wrong --out x.png": "wrong/config.json: seed = -1: must be from 0 to 2**32 - 1",
    "sample wrong_inside --out x.png": "wrong_inside/config.json: optim.lr = -1.0: must be more",
    "sample too_wide --out x.png": "generator.width = 1000000000000: must be at most 65536",
    "sample no_section --out x.png": "no_section/config.json: optim = []: must be an object",
    "sample broken_lines --out x.png": "'a\\nb\\x1b[2J' = 1: must be one of workdir",
    "sample long_name --out x.png": "long_name/config.json: 'xxxxxxxx",
    "sample vast --out x.png": "vast/config.json: size = 1000",
    # cgan.commands.translate
    "translate": "PATH",
    "translate run a": "PATH",
    "translate run images out --checkpoint 63": "checkpoint 63: not in run/checkpoints; it",
    "translate file images out": "file: not a run, config.json is missing; must be a folder",
    "translate run images file": "out = 'file': must be a folder, not a file",
    "translate run images images/new": "out = 'images/new': must be a folder outside of that of",
    "translate run images out": "generator.architecture = 'mlp': must be resnet or unet",
    "translate nothing images out": "nothing: not a run, config.json is missing; must be a folder",
    # cgan.commands.rank
    "rank run": "--out PATH",
    "rank run --out x.npz": "out = 'x.npz': must be a .png file",
    "rank run --out x.png --reals 0": "reals = 0: must be from 1 to 64",
    "rank run --out x.png --fakes 257": "fakes = 257: must be from 2 to 64 images or 256 points",
    "rank images --out x.png --fakes 65": "fakes = 65: must be at most 64 images",
    "rank run --out x.png --by luck": "invalid choice 'luck' for argument '--by'",
    "rank run --out x.png --by embedding": "by = 'embedding': must be 'score', the only head",
    "rank unsaved --out x.png": "unsaved: has no checkpoints yet; must be a run that has saved one",
    # cgan.commands.augmented
    "augmented": "--out PATH",
    "augmented --out x.gif": "out = 'x.gif': must be a .png file",
    "augmented --out x.png --p 0": "p = 0.0: must be more than 0 and at most 1",
    "augmented --out x.png --p nan": "p = nan: must be more than 0 and at most 1",
    "augmented --out x.png --images 65": "images = 65: must be from 1 to 64",
    "augmented --out x.png --views 0": "views = 0: must be from 1 to 64",
    "augmented --out x.png --policy cutmix": "invalid choice 'cutmix' for argument '--policy'",
    "augmented --out x.png --data.source ring8": "source = 'ring8': must be a data set of images",
    "augmented --out x.png --data.source stacked_digits": "augment.color = True: must be False",
    "augmented --out x.png --data.source folder --data.path nothing": "data.path = 'nothing'",
    "train ring8 --augment.policy ada --augment.probability 1": "whose samples are points",
    # train.py: what is taken of other runs
    "train ring8 --init-from nothing": "init_from = 'nothing': nothing: not a run",
    "train ring8 --init-frozen 1": "init_frozen = 1: must be 0 where init_from is None",
    "train ring8 --init-from run --init-frozen 9": "init_frozen = 9: must be at most 3",
    "train ring8 --prior.mu 1": "prior.mu = 1.0: must be 0.0 with prior.pre = None",
    "train ring8 --prior.par run": "prior.lam = 0.0: must be more than 0 with prior.par = 'run'",
    "train ring8 --prior.pre run --prior.mu -1": "prior.mu = -1.0: must be 0 or more",
    "train ring8 --prior.pre file --prior.mu 1": "prior.pre = 'file': ",
    "train ring8 --prior.pre unsaved --prior.mu 1": "unsaved: has no checkpoints yet; must be a",
    "train ring8 --prior.pre images --prior.mu 1": "learnt images, and this run learns points;",
    "train ring8 --prior.pre run --prior.mu 1": "this config; must be the same, or be left out by",
    "train digits --bank.size 64": "bank.of = 'embeddings': must be 'samples' with embedding",
    "train digits --bank.size 100": "bank.size = 100: must be a multiple of batch_size = 64; the",
    "train digits --embedding.weight 1 --bank.size 1408": "bank.size = 1408: must be at most 1344",
    "train digits --augment.policy ada": "augment.probability = 0.0: must be more than 0 with",
    # eval of a run, and its report
    "eval nothing": "nothing: not a run, config.json is missing; must be a folder made by train.py",
    "eval compar run run": "Unrecognized options: run, run",
    "eval run --n 1": "n = 1: must be at least 2 samples",
    f"eval run --n {LONG}": f"n = {LONG}: must be at most 2147483647",
    "eval images --metrics luck": "metrics = 'luck': must be 'all' alone, or one or more of",
    "eval run --extractor vgg": "invalid choice 'vgg' for argument '--extractor'",
    "eval run --extractor pixels": "extractor = 'pixels': reads images, and ring8",
    "eval images --extractor points": "extractor = 'points': digits holds images; must be one that",
    "eval images --extractor inception": "weights that do not come with this project: download",
    "eval images --extractor inception --weights nothing": "weights = 'nothing': there is no such",
    "eval images --extractor inception --weights empty": "weights = 'empty': is not a file",
    "eval images --extractor inception --weights file": "weights = 'file': its first bytes are",
    f"eval images --extractor dinov2 --weights {'w' * 300}": "can't be read (File name too long)",
    "eval run --weights file": "weights = 'file': must be left out with --extractor points",
    "eval run --step 0": "step = 0: must be more than 0",
    "eval run --step 5": "step = 5: must be one of 1, where there are checkpoints",
    "eval run --step 1 --checkpoint 64": "step = 1: must be left out where checkpoint is given",
    "eval probe nothing": "nothing: not a run, config.json is missing; must be a folder made by",
    "eval probe unsaved": "unsaved: has no checkpoints yet; must be a run that has saved one",
    "eval probe images --labels 0": "labels = 0: must be numbers from 1 to 10000",
    "eval probe images --labels 1 500": "labels = 500: must be at most 139, the samples of class",
    "eval probe images --draws 0": "draws = 0: must be from 1 to 10000",
    "eval probe images --taps level_0": "taps = 'level_0': must be one or more of layer_0, trunk",
    "eval probe run --step 5": "step = 5: must be one of 1, where there are checkpoints",
    "eval probe run --out x.jpg": "out = 'x.jpg': must be a .png file, or a folder",
    "eval clients": "PATH",
    "eval clients nothing": "nothing: not a run, config.json is missing; must be a folder made by",
    "eval clients run": "run = 'run': must be folders of runs of which one at least has clients",
    "eval clients run run": "beside = 'run': must be other runs, each named once",
    "eval clients run --n 0": "n = 0: must be from 1 to 10000",
    "eval clients run --out x.jpg": "out = 'x.jpg': must be a .png file, or a folder",
    "eval graded": "PATH",
    "eval graded nothing": "nothing: not a run, config.json is missing; must be a folder made by",
    "eval graded unsaved": "unsaved: has no checkpoints yet; must be a run that has saved one",
    "eval graded run": "run = 'run': must be a run with an embedding",
    "eval robust": "PATH",
    "eval robust nothing": "nothing: not a run, config.json is missing; must be a folder made by",
    "eval robust unsaved": "unsaved: has no checkpoints yet; must be a run that has saved one",
    "eval robust run nothing": "nothing: not a run, config.json is missing; must be a folder made",
    "eval robust run run": "beside = 'run': must be other runs, each named once",
    "eval robust run images": "images: learnt digits (8 x 8 x 1); must be a run on ring8 (2), as",
    "eval robust run --radii 0": "radii = 0.0: must be numbers above 0, at most 1e+06",
    "eval robust run --radii 0.1 nan": "radii = nan: must be numbers above 0",
    "eval robust run --steps 0": "steps = 0: must be from 1 to 10000",
    "eval robust images --n 361": "n = 361: must be at most 360, the held-out samples",
    "eval robust run --step 5": "step = 5: must be one of 1, where there are checkpoints",
    "eval robust run --out x.jpg": "out = 'x.jpg': must be a .png file, or a folder",
    "eval search run": "--score",
    "eval search nothing --score ink": "nothing: not a run, config.json is missing; must be",
    "eval search unsaved --score ink": "unsaved: has no checkpoints yet; must be a run that has",
    "eval search run --score ink": "score = 'ink': reads images, and ring8 holds points; must be",
    "eval search run --score luck": "score = 'luck': must be one of ink, probability, gc, motif,",
    "eval search run --score gc": "score = 'gc': reads DNA sequences, and ring8 holds points;",
    "eval search run --score ink --motif TATA": "motif = 'TATA': must be left out with",
    "eval search run --score no.py": "score = 'no.py': can't be read (No such file or directory);",
    "eval search run --score probability": "class = None: must be given with score = 'probability'",
    "eval search images --score probability --class 12": "class = '12': must be one of 0, 1, 2, 3,",
    "eval search run --score probability --class 1": "score = 'probability': must be 'ink' or a",
    "eval search images --score ink --class 1": "class = '1': must be left out with score = 'ink'",
    "eval search images --score ink --evaluations 0": "evaluations = 0: must be from 1 to 2000",
    "eval search images --score ink --seeds 0": "seeds = 0: must be from 1 to 1000",
    "eval search images --score ink --dimensions 3": "dimensions = 3: must be from 1 to 2, the run",
    "eval search images --score ink --reference-n 999": "reference_n = 999: must be 0, or from",
    "eval search images --score ink --methods sobol sobol": "methods = 'sobol sobol': must be each",
    "eval search images --score ink --methods grid": "invalid choice 'grid'",
    "eval search images --score ink --out x.png": "out = 'x.png': must be a .html file, or a",
    "eval report": "PATH",
    "eval report unsaved": "unsaved: has no checkpoints yet; must be a run that has saved one",
    "eval report run --out x.htm": "out = 'x.htm': must be a .html file",
    "eval surrogate --source file": "target = None: must be a .csv file, where the other one is",
    "eval surrogate --log Re": "log = 'Re': must be with --source and --target alone",
    "eval surrogate --points 2": "points = 2: must be numbers from 3 to 1000",
    "eval surrogate --draws 0": "draws = 0: must be from 1 to 1000",
    "eval surrogate --out x.jpg": "out = 'x.jpg': must be a .png file, or a folder",
    "eval surrogate --source nothing --target file": "source = 'nothing': can't be read (No such",
    # eval of files
    "eval reference emnist": "where the data set is a path ('emnist' is none of digits,",
    "eval reference folder": "data.path = None: must be a folder or a .zip file of images",
    "eval reference digits --path one": "data.path = 'one': must be None with",
    "eval reference tfds": "data.name = None: must be the name of a data set",
    "eval reference ring8 --extractor pixels": "extractor = 'pixels': reads images, and ring8",
    "eval compare one": "PATH",
    "eval compare nothing one": "real = 'nothing': ",
    f"eval compare {'r' * 300} one": "can't be read (File name too long); must be a folder",
    "eval compare one one --extractor pixels": "real = 'one': holds 1 samples; must hold",
    "eval compare one one --extractor points": "extractor = 'points': must be inception, dinov2",
    "eval compare points.npz file": "fake = 'file': ",
    "eval compare points.npz other.npz": "fake = 'other.npz': holds features of 3; must be 2, as",
    "eval compare points.npz whole.npz": "samples is int64 [9, 2]; must hold uint8 images",
    "eval compare points.npz two.npz": "fake = 'two.npz': holds a float64 [9, 2], b float64",
    "eval compare points.npz bad.npz": "fake = 'bad.npz': features: 9 of 9 rows are not finite",
    "eval compare points.npz points.npz --extractor pixels": "extractor = 'pixels': must be",
    "eval compare points.npz points.npz --metrics luck": "metrics = 'luck': must be 'all' alone",
    "eval compare points.npz points.npz --out x.txt": "out = 'x.txt': must be a .jsonl file",
}
"""Wrong command lines, and what is said of each."""


@pytest.mark.parametrize("command", REFUSED)
def test_a_wrong_command_line_ends_with_one_message(
    command: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("CGAN_CACHE", str(workplace / "cache"))
    before = snapshot(workplace)
    outcome = call(shlex.split(command))
    assert_refused(outcome)
    assert REFUSED[command] in " ".join(outcome.err.split())
    assert len(outcome.err) < 4_000
    assert snapshot(workplace) == before


def test_there_are_enough_wrong_command_lines() -> None:
    for program in PROGRAMS:
        assert sum(command.split()[0] == program for command in REFUSED) >= 8
    assert len(REFUSED) >= 100


def leaves(cls: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted name and the type of every setting."""
    for name, annotation in typing.get_type_hints(cls).items():
        if dataclasses.is_dataclass(annotation):
            yield from leaves(annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, annotation


SETTINGS = dict(leaves(Experiment))
ODD = ["", " ", "None", "nan", "-inf", "1e400", "0x10", "1_0", "true", "[1]", "٣", "-", "1" * 5_000]
NUMBERS = st.integers(-(2**70), 2**70) | st.integers(-9, 300) | st.floats()
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def choices(annotation: Any) -> list[str]:
    """What a `Literal`, alone or in a union, allows."""
    inner = [choice for part in typing.get_args(annotation) for choice in choices(part)]
    return inner or ([] if isinstance(annotation, type) else [str(annotation)])


def without(option: str) -> str:
    """The flag that turns a setting off."""
    section, _, name = option.rpartition(".")
    return f"{section}.no-{name}"


@st.composite
def command_lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A setting, and a command line that gives it some value, right or wrong."""
    name = draw(st.sampled_from(sorted(SETTINGS)))
    allowed = st.sampled_from(choices(SETTINGS[name]) or ODD)
    value = draw(NUMBERS.map(str) | st.sampled_from(ODD) | allowed | TEXTS)
    option = "--" + name.replace("_", "-")
    given = [f"{option}={value}"]
    if "bounds" in name:
        given = [option, value, str(draw(st.floats()))]
    elif SETTINGS[name] is bool:
        given = draw(st.sampled_from([given, [option], [without(option)]]))
    return name, ["train", draw(st.sampled_from(sorted(CONFIGS))), *given]


@settings(max_examples=15, deadline=None)
@given(command_lines())
def test_any_value_of_any_setting_is_taken_or_refused_by_name(
    drawn: tuple[str, list[str]],
) -> None:
    assert_taken_or_refused(*drawn)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(command_lines())
def test_so_are_many_more(drawn: tuple[str, list[str]]) -> None:
    assert_taken_or_refused(*drawn)


def assert_taken_or_refused(name: str, command: list[str]) -> None:
    asked: list[Experiment] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "train", lambda config, *_, **__: asked.append(config))
        outcome = call(command)
    if outcome.code == 0:
        assert [type(config) for config in asked] == [Experiment]
        assert (outcome.out, outcome.err, outcome.compiled) == ("", "", [])
        return
    assert asked == []
    assert_refused(outcome)
    if SETTINGS[name] is bool and "Unrecognized options" in outcome.err:
        return  # a flag takes no value; the parser names the value alone
    option = "--" + name.replace("_", "-")
    assert name in outcome.err or option in outcome.err, (command, outcome.err)
