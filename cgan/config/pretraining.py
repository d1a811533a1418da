"""Pretraining by a pretext: a task on reals alone, whose answers nobody has to write down."""

from dataclasses import dataclass, field
from typing import Any, Literal

from cgan.config.augment import Augment
from cgan.config.checks import SIZE_AT_MOST, check_types, not_negative, positive, require
from cgan.config.graded import DistanceName
from cgan.config.networks import Discriminator, Generator, check_precision, check_window
from cgan.config.objective import Bounds, check_temperature
from cgan.config.run_config import BATCH_AT_MOST, RunSettings
from cgan.config.setting import check_read, setting
from cgan.datasets import DATASETS
from cgan.kinds import DNA, IMAGE, PROTEIN, SEQUENCE, Kind

PretextName = Literal["contrastive", "graded", "jigsaw", "masked"]

EMBEDDED_TASKS: tuple[PretextName, ...] = ("contrastive", "graded")
"""Tasks on the discriminator's embedding head."""

CONTRASTIVE: dict[str, Any] = {"task": ("contrastive",)}
GRADED: dict[str, Any] = {"task": ("graded",)}
EMBEDDED: dict[str, Any] = {"task": EMBEDDED_TASKS}
JIGSAW: dict[str, Any] = {"task": ("jigsaw",)}
MASKED: dict[str, Any] = {"task": ("masked",)}
ORDERS_AT_MOST = 1_000
"""Most orders of tiles: they are sought one by one."""


@dataclass(frozen=True)
class Pretext:
    """The task that a pretraining sets, and how hard it is."""

    task: PretextName = "contrastive"
    """Task: tell views apart, regress distances, order tiles, or fill in patches or letters."""
    dimensions: int = setting(64, read_by=EMBEDDED)
    """Length of the unit vectors of the discriminator's embedding head (contrastive, graded)."""
    distance: DistanceName = setting("euclidean", read_by=GRADED)
    """Distance of embeddings that is scaled: euclidean, or its square, 2 - 2 cosine (graded)."""
    temperature: float = setting(0.1, read_by=CONTRASTIVE)
    """Divides cosines, which lie between -1 and 1 (contrastive)."""
    temperature_bounds: Bounds | None = setting(None, read_by=CONTRASTIVE)
    """Learn the temperature between these two; None keeps it (contrastive)."""
    both_views: bool = setting(False, read_by=CONTRASTIVE)
    """Contrast either view with both views of all other images, not the firsts (contrastive)."""
    tiles: Literal[2, 3, 4] = setting(2, read_by=JIGSAW)
    """Tiles along each side, which they must divide (jigsaw)."""
    orders: int | None = setting(None, read_by=JIGSAW)
    """Orders to be told apart, each far from the others; None for 30, or all 24 of 2x2 (jigsaw)."""
    gap: int | None = setting(None, read_by=JIGSAW)
    """Pixels of a tile's sides that are left out, at random places; None for a quarter (jigsaw)."""
    patch: int | None = setting(None, read_by=MASKED)
    """Side in pixels of what is hidden, which must divide images; None for a quarter (masked)."""
    span: int = setting(8, read_by=MASKED)
    """Letters in a row that are hidden of sequences and of DNA (masked)."""
    hidden: float = setting(0.5, read_by=MASKED)
    """Share of an image's patches, or of a sequence's letters, that are hidden (masked)."""
    visible_weight: float = setting(0.1, read_by=MASKED)
    """Weight of the error on what was to be seen, beside that on what was hidden (masked)."""

    def __post_init__(self) -> None:
        check_types(self, "pretext.")
        require(self.dimensions >= 2, "pretext.dimensions", self.dimensions, "2 or more")
        positive(self, "pretext.", "dimensions", at_most=SIZE_AT_MOST)
        if self.patch is not None:
            positive(self, "pretext.", "patch", at_most=SIZE_AT_MOST)
        check_temperature(self, "pretext.")
        if self.orders is not None:
            expected = f"from 2 to {ORDERS_AT_MOST}"
            require(2 <= self.orders <= ORDERS_AT_MOST, "pretext.orders", self.orders, expected)
        if self.gap is not None:
            not_negative(self, "pretext.", "gap", at_most=SIZE_AT_MOST)
        positive(self, "pretext.", "span", at_most=SIZE_AT_MOST)
        require(0 < self.hidden < 1, "pretext.hidden", self.hidden, "between 0 and 1")
        not_negative(self, "pretext.", "visible_weight")
        check_read(self, "pretext.")

    @property
    def of_what(self) -> str:
        """Words for the samples that the task is for."""
        if self.task == "contrastive":
            return "images, of DNA or of proteins: views to be told apart are theirs"
        if self.task == "graded":
            return "proteins: how far apart they are is known"
        if self.task == "masked":
            return "images, of sequences, DNA or proteins: patches and letters are theirs"
        return "images: tiles are theirs"

    def fits(self, kind: Kind) -> bool:
        """Whether the task can be set on samples of this kind.

        Tiles are images' own, distances are known of proteins alone.
        """
        of_task: dict[PretextName, tuple[Kind, ...]] = {
            "contrastive": (IMAGE, DNA, PROTEIN),
            "graded": (PROTEIN,),
            "jigsaw": (IMAGE,),
            "masked": (IMAGE, SEQUENCE, DNA, PROTEIN),
        }
        return kind in of_task[self.task]

    def check_for(self, kind: Kind, discriminator: Discriminator) -> None:
        """Refuse what the masked task does not read on samples of this kind.

        Raises:
            ConfigError: letters to hide of images, patches of sequences, or a discriminator that
                has no maps along sequences, or reads both strands, whose letters differ.
        """
        if self.task != "masked":
            return
        when = f"for {kind.plural}, which do not use it"
        if kind == IMAGE:
            default = type(self).span
            require(self.span == default, "pretext.span", self.span, f"{default} {when}")
            return
        require(self.patch is None, "pretext.patch", self.patch, f"None {when}")
        architecture, both = discriminator.architecture, discriminator.both_strands
        expected = "'conv1d' with pretext.task = 'masked', which reads its maps along a sequence"
        require(architecture == "conv1d", "discriminator.architecture", architecture, expected)
        expected = "False with pretext.task = 'masked', whose letters are those of one strand"
        require(not both, "discriminator.both_strands", both, expected)


@dataclass(frozen=True)
class Descent:
    """Adam on all that is trained together, with a cosine decay and gradients of limited length.

    The first gradients of the masked pretext are: uncut, they saturate a generator that ends in
    tanh, which then makes one image of all, and hardly learns any more.
    """

    lr: float = 1e-3
    """Learning rate at the start."""
    final_lr_fraction: float = 0.05
    """Learning rate at the end, as a share of that at the start (cosine decay)."""
    beta1: float = 0.9
    """Adam's decay of the mean gradient: no adversary here, so that it may look back."""
    beta2: float = 0.999
    """Adam's decay of the mean squared gradient."""
    max_grad_norm: float | None = 1.0
    """Length that a longer gradient is cut to; None leaves all as they are."""

    def __post_init__(self) -> None:
        check_types(self, "optim.")
        positive(self, "optim.", "lr")
        if self.max_grad_norm is not None:
            positive(self, "optim.", "max_grad_norm")
        fraction = self.final_lr_fraction
        require(0 <= fraction <= 1, "optim.final_lr_fraction", fraction, "from 0 to 1")
        for name in ("beta1", "beta2"):
            value = getattr(self, name)
            require(0 <= value < 1, f"optim.{name}", value, "from 0 to below 1")


@dataclass(frozen=True)
class Pretraining(RunSettings):
    """A run that trains a pair's trunks on a pretext, for GANs to start from (`--init-from`)."""

    pretext: Pretext = field(default_factory=Pretext)
    generator: Generator = field(default_factory=Generator)
    discriminator: Discriminator = field(default_factory=Discriminator)
    augment: Augment = field(default_factory=lambda: Augment(strength=0.5))
    optim: Descent = field(default_factory=Descent)
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the networks; parameters and losses are float32."""
    micro_batches: int = 1
    """Parts in which a device works through its rows: the same step in less memory, slower."""
    ramp_nimg: int | None = None
    """Images after which ramped settings have their final value; None takes the whole training."""
    probe_nimg: int = 6_400
    """Images between two probes: the task on held-out images; 0 for none."""

    procedure = "pretraining"

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(self, "", "micro_batches", at_most=BATCH_AT_MOST)
        not_negative(self, "", "probe_nimg")
        expected = f"a divisor of batch_size = {self.batch_size}"
        divides = self.batch_size % self.micro_batches == 0
        require(divides, "micro_batches", self.micro_batches, expected)
        if self.ramp_nimg is not None:
            positive(self, "", "ramp_nimg")
            expected = "None where nothing has another final value, which does not use it"
            require(bool(self.ramped), "ramp_nimg", self.ramp_nimg, expected)
        check_precision(self.precision, self.generator, self.discriminator)
        name, value = "generator.architecture", self.generator.architecture
        expected = "a generator from noise for a pretraining, which has nothing to translate"
        require(not self.generator.translates, name, value, expected)
        self._check_images()
        self._check_views()

    def _check_images(self) -> None:
        """Refuse data that the task is not for, as far as the data set's name tells."""
        source = self.data.source
        is_known = source in DATASETS
        fits = not is_known or self.pretext.fits(DATASETS[source].kind)
        require(fits, "data.source", source, f"a data set of {self.pretext.of_what}")
        if is_known:
            self.pretext.check_for(DATASETS[source].kind, self.discriminator)

    def _check_views(self) -> None:
        """Refuse views that nothing chooses, and a contrast without any."""
        self.augment.check_for(self.data)
        check_window(self.augment, self.discriminator)
        target = self.augment.target
        expected = "None for a pretraining, which has no scores to adapt to"
        require(target is None, "augment.target", target, expected)
        radius = self.augment.adversarial_radius
        expected = "0 for a pretraining, whose tasks are not attacked"
        require(radius == 0, "augment.adversarial_radius", radius, expected)
        if self.pretext.task == "graded":
            expected = "one that is off with pretext.task = 'graded': a view's distances change"
            require(self.augment.is_off, "augment.policy", self.augment.policy, expected)
            expected = "2 or more with pretext.task = 'graded', which compares a sample with others"
            require(self.batch_size > 1, "batch_size", self.batch_size, expected)
        if self.pretext.task != "contrastive":
            return
        when = "with pretext.task = 'contrastive'"
        expected = f"more than 0 {when}, which tells views of one image from those of others"
        require(not self.augment.is_off, "augment.strength", self.augment.strength, expected)
        expected = f"2 or more {when}, which compares an image with others"
        require(self.batch_size > 1, "batch_size", self.batch_size, expected)

    @property
    def ramped(self) -> tuple[str, ...]:  # type: ignore[override]
        """The settings that move to another value over `ramp_end_nimg` images."""
        moves = {
            "optim.final_lr_fraction": self.optim.final_lr_fraction != 1,
            "augment.final_probability": self.augment.final_probability is not None,
        }
        return tuple(name for name, does in moves.items() if does)

    @property
    def ramp_end_nimg(self) -> int:
        """Images seen when ramped settings reach their final value."""
        return self.ramp_nimg or self.final_nimg
