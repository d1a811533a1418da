"""What the tests of `python -m eval` share."""

from types import SimpleNamespace

from cgan.config import ConfigError, Data, Experiment
from cgan.sampling import runs
from cgan.system import cli
from eval import __main__ as program
from eval.measuring import runs as measuring_runs


def exit_code(*argv: object) -> object:
    """What the program exits with, given these arguments."""
    try:
        cli.run(lambda: program.main([str(part) for part in argv]))
    except SystemExit as stop:
        return stop.code
    return 0


def make_run(monkeypatch, root, data: Data, draw) -> None:
    """Let a folder hold a run whose generator makes `draw(n, seed)`, 12,800 images old."""

    def load_run(path, checkpoint, step, source=None):
        assert source is None
        assert checkpoint is None
        assert step is None
        if path != root:
            raise ConfigError(f"{path}: no such run")
        config = Experiment(workdir=root, data=data)
        sampler = SimpleNamespace(parts=SimpleNamespace(config=config, given=None))
        return runs.Run(sampler, {}, 12_800)

    def stream_samples(run, n, seed):
        drawn = draw(n, seed)
        yield drawn[: n // 3]
        yield drawn[n // 3 :]

    monkeypatch.setattr(runs, "load_run", load_run)
    monkeypatch.setattr(runs, "stream_samples", stream_samples)
    monkeypatch.setattr(measuring_runs, "key_of", lambda *_: None)
