"""One experiment: all its settings, checked when it is made."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cgan.config.alarm import Alarm
from cgan.config.augment import Augment
from cgan.config.bank import Bank
from cgan.config.checks import (
    DEPTH_AT_MOST,
    check_types,
    not_negative,
    only_defaults,
    positive,
    require,
    require_seed,
)
from cgan.config.conditioning import Conditioning
from cgan.config.data import Data
from cgan.config.federated import Federated, check_federated
from cgan.config.graded import Graded
from cgan.config.networks import Discriminator, Generator, check_precision, check_window
from cgan.config.objective import Embedding, Objective, Penalty
from cgan.config.prior import Prior
from cgan.config.run_config import BATCH_AT_MOST, GAN, STEPS_AT_MOST, Clock
from cgan.config.setting import check_read_across
from cgan.config.translation import Translation, check_translation
from cgan.config.warm_start import InitParts, InitPlayers, check_warm_start
from cgan.datasets import DATASETS, named


@dataclass(frozen=True)
class Optim:
    """Adam for both networks, with a cosine decay, and the generator's moving average.

    What has a `final` value goes from the first to it along half a cosine, over `ramp_nimg` images.
    """

    lr: float = 1e-3
    """Learning rate at the start."""
    final_lr_fraction: float = 0.05
    """Learning rate at the end, as a share of that at the start (cosine decay)."""
    beta1: float = 0.0
    """Adam's decay of the mean gradient."""
    beta2: float = 0.99
    """Adam's decay of the mean squared gradient."""
    final_beta2: float | None = None
    """Decay of the mean squared gradient at the end; None keeps it."""
    ema_halflife_nimg: int = 32_000
    """Half-life of the generator's moving average, in images; may start at 0 with a final one."""
    final_ema_halflife_nimg: int | None = None
    """Half-life at the end; None keeps it, but for at most 5 % of the images seen so far."""

    def __post_init__(self) -> None:
        check_types(self, "optim.")
        positive(self, "optim.", "lr")
        if self.final_ema_halflife_nimg is None:
            positive(self, "optim.", "ema_halflife_nimg")
        else:
            not_negative(self, "optim.", "ema_halflife_nimg")
            positive(self, "optim.", "final_ema_halflife_nimg")
        for name in ("final_lr_fraction", "beta1", "beta2", "final_beta2"):
            value = getattr(self, name)
            if value is None:
                continue
            upper_included = name == "final_lr_fraction"
            inside = 0 <= value <= 1 if upper_included else 0 <= value < 1
            expected = "from 0 to 1" if upper_included else "from 0 to below 1"
            require(inside, f"optim.{name}", value, expected)


@dataclass(frozen=True)
class Experiment(Clock):
    """Everything that decides a run. The clock is images seen (`nimg`): batch_size a step."""

    workdir: Path
    """Folder of the run: config.json, metrics.jsonl, checkpoints/, samples/."""
    data: Data = field(default_factory=Data)
    conditioning: Conditioning = field(default_factory=Conditioning)
    generator: Generator = field(default_factory=Generator)
    discriminator: Discriminator = field(default_factory=Discriminator)
    objective: Objective = field(default_factory=Objective)
    embedding: Embedding = field(default_factory=Embedding)
    graded: Graded = field(default_factory=Graded)
    bank: Bank = field(default_factory=Bank)
    penalty: Penalty = field(default_factory=Penalty)
    augment: Augment = field(default_factory=Augment)
    optim: Optim = field(default_factory=Optim)
    prior: Prior = field(default_factory=Prior)
    alarm: Alarm = field(default_factory=Alarm)
    federated: Federated = field(default_factory=Federated)
    translation: Translation = field(default_factory=Translation)
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the networks; parameters, averages, losses and penalties are float32."""
    batch_size: int = 64
    """Global batch: real images a step, over all devices."""
    micro_batches: int = 1
    """Parts in which a device works through its rows: the same step in less memory, slower."""
    total_nimg: int = 320_000
    """Training length in images; rounded up to whole dispatches."""
    ramp_nimg: int | None = None
    """Images after which ramped settings have their final value; None takes the whole training."""
    steps_per_dispatch: int = 1
    """Training steps in one compiled call; small models need several to hide its overhead."""
    log_nimg: int = 6_400
    """Images between two rows of metrics.jsonl."""
    snapshot_nimg: int = 64_000
    """Images between two pictures of the fixed latents."""
    checkpoint_nimg: int = 64_000
    """Images between two checkpoints."""
    probe_nimg: int = 25_600
    """Images between two probes for mode collapse; 0 for none."""
    seed: int = 0
    """Seed of everything random: same seed, same run."""
    init_from: Path | None = None
    """Folder of a run whose newest weights this one starts from, once; None starts afresh."""
    init_players: InitPlayers = "both"
    """Players whose weights are taken from `init_from`; encoder: D's trunk there, by G here.

    That D is a resnet or unet as the generator is, which translates.
    """
    init_parts: InitParts = "all"
    """Weights taken from `init_from`: the trunks, the heads, or all; the rest starts afresh."""
    init_frozen: int = 0
    """Lowest levels of the discriminator that stay as `init_from` has them (FreezeD)."""

    procedure = GAN  # unannotated: no setting

    def __post_init__(self) -> None:
        check_types(self, "")
        positive(self, "", "batch_size", "micro_batches", at_most=BATCH_AT_MOST)
        positive(self, "", "steps_per_dispatch", at_most=STEPS_AT_MOST)
        positive(self, "", "total_nimg", "log_nimg", "snapshot_nimg", "checkpoint_nimg")
        not_negative(self, "", "probe_nimg")
        if self.ramp_nimg is not None:
            positive(self, "", "ramp_nimg")
        not_negative(self, "", "init_frozen", at_most=DEPTH_AT_MOST)
        require_seed(self.seed)
        check_warm_start(self)
        self.augment.check_for(self.data)
        check_window(self.augment, self.discriminator)
        require(str(self.workdir) not in ("", "."), "workdir", str(self.workdir), "a folder")
        name, value = "micro_batches", self.micro_batches
        expected = f"a divisor of batch_size = {self.batch_size}"
        require(self.batch_size % value == 0, name, value, expected)
        check_federated(self)
        self._check_heads()
        self._check_graded()
        check_read_across(self)
        check_translation(self)
        self._check_fakes()
        self._check_bank()
        self._check_labels()
        self._check_ramps()
        self._check_precision()

    def _check_heads(self) -> None:
        """Refuse a discriminator without a head, and penalties that hold nothing down."""
        objective, penalty = self.objective, self.penalty
        name, expected = "objective.weight", "more than 0 where embedding.weight is 0"
        require(bool(objective.weight or self.embedding.weight), name, objective.weight, expected)
        penalties = {name: getattr(penalty, name) for name in ("r1", "r2", "gradient_penalty")}
        if objective.weight == 0:
            for name, value in penalties.items():
                expected = (
                    "0 with objective.weight = 0, which leaves no score; set penalty.r1, "
                    "penalty.r2 and penalty.gradient_penalty to 0"
                )
                require(value == 0, f"penalty.{name}", value, expected)
        if objective.loss == "wasserstein" and not self.discriminator.spectral_norm:
            name, value = "penalty.gradient_penalty", penalty.gradient_penalty
            expected = (
                "more than 0 with wasserstein (10 is usual), or spectral_norm, r1 or r2 be on"
            )
            require(any(penalties.values()), name, value, expected)
        if not (penalty.r1 or penalty.r2 or self.embedding.r1 or self.embedding.r2):
            names = ("estimator", "finite_difference")
            only_defaults(penalty, "penalty.", names, "where all of r1 and r2 are 0")
            if penalty.gradient_penalty == 0:
                when = "where all penalties are 0"
                only_defaults(penalty, "penalty.", ("final_fraction",), when)

    def _check_graded(self) -> None:
        """Refuse a regression of distances that the data do not know, or of one real alone."""
        if self.graded.weight == 0:
            return
        name, value = "graded.weight", self.graded.weight
        has_none = self.data.source in DATASETS and not DATASETS[self.data.source].has_distances
        of_these = ", ".join(named(has_distances=True))
        expected = (
            f"0 with data.source = {self.data.source!r}, whose samples have no distances that are "
            f"known; those of {of_these} have"
        )
        require(not has_none, name, value, expected)
        expected = "2 or more with graded.weight > 0, which compares a real with others"
        require(self.rows_together > 1, "batch_size", self.batch_size, expected)

    def _check_fakes(self) -> None:
        """A real meets no more fakes than there are, and several where that matters."""
        objective = self.objective
        name, fakes = "objective.fakes_per_real", objective.fakes_per_real
        limit, together = f"at most batch_size = {self.batch_size}", self.rows_together
        if not self.federated.is_off:
            limit = f"at most {together}, a client's share of batch_size = {self.batch_size}"
        require(fakes is None or fakes <= together, name, fakes, limit)
        name, hard, met = "objective.top_k", objective.top_k, fakes or together
        limit = f"at most K = {met}, the fakes that each real is graded against"
        require(hard is None or hard <= met, name, hard, limit)
        if 1 in (met, hard):
            when = "where a real is graded against one fake"
            only_defaults(objective, "objective.", ("normalize", "hardness"), when)
        self._check_neighbors()

    def _check_neighbors(self) -> None:
        """Others to be compared with, of all classes for a coupling of all."""
        if self.embedding.weight and self.embedding.game == "neighbor":
            why = "with embedding.game = 'neighbor', which compares a sample with others"
            expected = f"2 or more {why}"
            if not self.federated.is_off:
                expected = f"{2 * self.federated.clients} or more, 2 a client {why}"
            require(self.rows_together > 1, "batch_size", self.batch_size, expected)
        if self.embedding.coupling == "two_sided":
            when = "with embedding.coupling = 'two_sided', which couples the whole batch"
            compare = self.conditioning.compare
            require(compare == "all", "conditioning.compare", compare, f"'all' {when}")

    def _check_bank(self) -> None:
        """Whole batches of what a head reads, for a curve that takes the mean of all it meets."""
        bank, objective, embedding = self.bank, self.objective, self.embedding
        if bank.is_off:
            return
        bank.check_whole_batches(self.batch_size)
        if bank.of == "embeddings":
            expected = "'samples' with embedding.weight = 0, which leaves no embeddings"
            require(embedding.weight > 0, "bank.of", bank.of, expected)
        else:
            expected = "'embeddings' with objective.weight = 0, which leaves no scores"
            require(objective.weight > 0, "bank.of", bank.of, expected)
            radius = self.augment.adversarial_radius
            expected = (
                "'embeddings' with augment.adversarial_radius > 0, which would move all fakes but "
                "those of the bank"
            )
            require(radius == 0, "bank.of", bank.of, expected)
        if (bank.of == "samples" and objective.is_contrastive) or self.banks_mirrored:
            when = f"with bank.size = {bank.size}"
            expected = f"'mean' {when}: a sum would grow while the bank fills"
            normalize, fakes = objective.normalize, objective.fakes_per_real
            require(normalize == "mean", "objective.normalize", normalize, expected)
            expected = f"None {when}, since a real meets all that it is given of the bank"
            require(fakes is None, "objective.fakes_per_real", fakes, expected)
        if self.banks_reals and self.data.limit is not None:
            limit = f"data.limit = {self.data.limit}"
            bank.check_shorter(self.batch_size, self.data.limit, limit)

    @property
    def rows_together(self) -> int:
        """Reals that meet in a step: the batch, or a client's share of it."""
        return self.batch_size // max(self.federated.clients, 1)

    @property
    def banks_mirrored(self) -> bool:
        """Whether the mirrored game on embeddings meets those of a bank."""
        return self._banks_embeddings and self.embedding.game == "mirrored"

    @property
    def banks_reals(self) -> bool:
        """Whether a real is told from reals of a bank, one of which might be itself."""
        told_from_reals = self.embedding.negatives != "fakes"
        return self._banks_embeddings and self.embedding.game == "neighbor" and told_from_reals

    @property
    def _banks_embeddings(self) -> bool:
        return not self.bank.is_off and self.bank.of == "embeddings"

    def _check_labels(self) -> None:
        """A head must see the labels."""
        objective, conditioning = self.objective, self.conditioning
        if conditioning.labels and objective.weight == 0:
            name, value = "conditioning.compare", conditioning.compare
            expected = "'same_class' with objective.weight = 0: the embedding sees no labels"
            require(value == "same_class", name, value, expected)

    def _check_ramps(self) -> None:
        """Refuse a length of ramps where there are none."""
        if not self.ramped:
            only_defaults(self, "", ("ramp_nimg",), "where nothing has another final value")

    def _check_precision(self) -> None:
        """Refuse bfloat16 for phases of high frequencies and for small differences."""
        if self.precision == "float32":
            return
        estimator = self.penalty.estimator
        expected = "exact or hutchinson with precision = 'bfloat16', which rounds small steps away"
        require(estimator != "finite_differences", "penalty.estimator", estimator, expected)
        check_precision(self.precision, self.generator, self.discriminator)

    @property
    def curves(self) -> dict[str, str]:
        """The curves in use by the settings that choose them, or the game where none is."""
        objective, embedding = self.objective, self.embedding
        found: dict[str, str] = {}
        if objective.weight > 0 and objective.is_contrastive:
            found["objective.loss"] = objective.loss
        if embedding.weight > 0 and embedding.game == "mirrored":
            found["embedding.curve"] = embedding.curve
        if not found and embedding.weight > 0:
            return {"embedding.game": embedding.game}
        return found or {"objective.loss": objective.loss}

    @property
    def reads_labels(self) -> bool:
        """Whether the networks are made for the number of classes."""
        return self.conditioning.labels

    @property
    def ramped(self) -> tuple[str, ...]:
        """Settings that move to another value over `ramp_end_nimg` images."""
        optim = self.optim
        moves = {
            "optim.final_lr_fraction": optim.final_lr_fraction != 1,
            "optim.final_beta2": optim.final_beta2 is not None,
            "optim.final_ema_halflife_nimg": optim.final_ema_halflife_nimg is not None,
            "penalty.final_fraction": self.penalty.final_fraction != 1,
            "embedding.final_fraction": self.embedding.final_fraction != 1,
            "augment.final_probability": self.augment.final_probability is not None,
        }
        return tuple(name for name, does in moves.items() if does)

    @property
    def ramp_end_nimg(self) -> int:
        """Images seen when ramped settings reach their final value."""
        return self.ramp_nimg or self.final_nimg
