"""What the config of any procedure has: where a run lies, what it learns from, how long, how often.

Three things, since `Experiment` came first, and the order of its fields is that of config.json and
of the help: what is read of any config (`RunConfig`), what follows from its lengths (`Clock`), and
the fields that a config of another procedure begins with (`RunSettings`).
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from cgan.config.checks import check_types, positive, require, require_seed
from cgan.config.data import Data

BATCH_AT_MOST = 2**20
"""Reals a step: their margins over as many fakes take 4 TiB."""
STEPS_AT_MOST = 2**16
"""Steps a dispatch: their batches wait in memory together."""
GAN = "gan"
"""The procedure of an `Experiment`, which its config.json does not name."""


@runtime_checkable
class RunConfig(Protocol):
    """What the loop and a run's folder read of a config, whatever it trains."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def procedure(self) -> str:
        """What kind of training it is of: the name that config.json says."""

    @property
    def workdir(self) -> Path:
        """Folder of the run."""

    @property
    def data(self) -> Data:
        """The data set that is learnt."""

    @property
    def batch_size(self) -> int:
        """Samples a step, over all devices."""

    @property
    def steps_per_dispatch(self) -> int:
        """Training steps in one compiled call."""

    @property
    def total_nimg(self) -> int:
        """Training length in images, as it was asked for."""

    @property
    def log_nimg(self) -> int:
        """Images between two rows of metrics.jsonl."""

    @property
    def snapshot_nimg(self) -> int:
        """Images between two pictures."""

    @property
    def checkpoint_nimg(self) -> int:
        """Images between two checkpoints."""

    @property
    def seed(self) -> int:
        """Seed of everything random."""

    @property
    def nimg_per_dispatch(self) -> int:
        """Images seen in one compiled call."""

    @property
    def final_nimg(self) -> int:
        """Images seen when the run ends."""

    @property
    def reads_labels(self) -> bool:
        """Whether the networks are made for the number of classes."""

    @property
    def ramped(self) -> tuple[str, ...]:
        """The settings that move to another value over `ramp_end_nimg` images."""

    @property
    def ramp_end_nimg(self) -> int:
        """Images seen when the settings that move reach their last values."""

    def passes(self, nimg: int, interval_nimg: int) -> bool:
        """Whether the dispatch that ends after so many images passed a multiple of the interval."""


@runtime_checkable
class Lengths(Protocol):
    """What the clock is told."""

    @property
    def batch_size(self) -> int:
        """Samples a step."""

    @property
    def steps_per_dispatch(self) -> int:
        """Steps in one compiled call."""

    @property
    def total_nimg(self) -> int:
        """Length in images."""


class Clock:
    """Points of a run in images seen (`nimg`), for a config with such lengths."""

    @property
    def nimg_per_dispatch(self: Lengths) -> int:
        """Images seen in one compiled call."""
        return self.batch_size * self.steps_per_dispatch

    @property
    def final_nimg(self: Lengths) -> int:
        """Images seen when the run ends: `total_nimg` rounded up to whole dispatches."""
        dispatch = self.batch_size * self.steps_per_dispatch
        return -(-self.total_nimg // dispatch) * dispatch

    def passes(self: Lengths, nimg: int, interval_nimg: int) -> bool:
        """Whether the dispatch that ends after so many images passed a multiple of the interval."""
        dispatch = self.batch_size * self.steps_per_dispatch
        return nimg // interval_nimg > (nimg - dispatch) // interval_nimg


@dataclass(frozen=True)
class RunSettings(Clock):
    """The settings that every procedure has; a subclass adds its own and names its `procedure`.

    They mean what those of an `Experiment` mean, and have the same defaults.
    """

    workdir: Path
    """Folder of the run: config.json, metrics.jsonl, checkpoints/, samples/."""
    data: Data = field(default_factory=Data)
    batch_size: int = 64
    """Global batch: samples a step, over all devices."""
    total_nimg: int = 320_000
    """Training length in images; rounded up to whole dispatches."""
    steps_per_dispatch: int = 1
    """Training steps in one compiled call; small models need several to hide its overhead."""
    log_nimg: int = 6_400
    """Images between two rows of metrics.jsonl."""
    snapshot_nimg: int = 64_000
    """Images between two pictures."""
    checkpoint_nimg: int = 64_000
    """Images between two checkpoints."""
    seed: int = 0
    """Seed of everything random: same seed, same run."""

    # Unannotated: no settings.
    procedure = ""
    """The name of this kind of training in config.json; another one than those of other kinds."""
    reads_labels = False
    ramped = ()

    def __post_init__(self) -> None:
        check_types(self, "")
        positive(self, "", "batch_size", at_most=BATCH_AT_MOST)
        positive(self, "", "steps_per_dispatch", at_most=STEPS_AT_MOST)
        positive(self, "", "total_nimg", "log_nimg", "snapshot_nimg", "checkpoint_nimg")
        require_seed(self.seed)
        require(str(self.workdir) not in ("", "."), "workdir", str(self.workdir), "a folder")

    @property
    def ramp_end_nimg(self) -> int:
        """Images seen when the run ends, since no setting moves here."""
        return self.final_nimg
