"""Pretrainings on disk: the parts of one, and the state of a checkpoint."""

from pathlib import Path
from typing import NamedTuple

from cgan.config import Pretraining
from cgan.data import Source
from cgan.pretext.parts import PretextParts, PretextState, assemble_on
from cgan.run_folder import run_data
from cgan.run_folder.workdir import Workdir
from cgan.sampling.runs import restore_state


class Pretrained(NamedTuple):
    """The whole of a pretraining: its parts and the state of one checkpoint, on the host."""

    parts: PretextParts
    state: PretextState
    nimg: int
    """Images seen by the checkpoint."""


def restore_pretraining(
    root: Path, nimg: int | None = None, source: Source | None = None
) -> Pretrained:
    """Read all of a pretraining from its folder.

    Args:
        root: the run's folder.
        nimg: which checkpoint, by images seen; None for the newest.
        source: what the run learnt, where a program handed that to `train`.

    Raises:
        ConfigError: as for `cgan.sampling.runs.restore_run`.
    """
    workdir = Workdir(root)
    config = workdir.read_config_as(Pretraining)
    parts = assemble_on(config, run_data.source_of(workdir, config, source))
    state, nimg = restore_state(workdir, nimg, parts.abstract_state())
    return Pretrained(parts, state, nimg)
