"""The configuration of one experiment: frozen dataclasses, checked when they are made.

All defaults of the project stand here. A file in `configs/` states only what differs; the command
line (`python train.py NAME --optim.lr 1e-3`) is derived from these classes, and the docstring
under a field is its help text.
"""

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SourceName = Literal["digits", "stacked_digits", "ring8", "grid25", "grid100"]
Architecture = Literal["mlp", "conv"]
LossName = Literal["softmax", "nonsaturating"]


class ConfigError(Exception):
    """A setting that can't be used; the message names the field, the value and what would be.

    Not a `ValueError`: those the command-line parser would wrap in words of its own.
    """


def require(condition: bool, name: str, value: object, expected: str) -> None:
    """Raise a `ConfigError` unless the condition holds."""
    if not condition:
        raise ConfigError(f"{name} = {value!r}: must be {expected}")


def require_seed(seed: int) -> None:
    """Raise a `ConfigError` unless JAX and NumPy both take the seed."""
    require(0 <= seed < 2**32, "seed", seed, "from 0 to 2**32 - 1")


def _check_types(config: Any, prefix: str) -> None:
    """Check every field of a config against its annotation (`int`, `float`, `Literal`, ...)."""
    for name, annotation in typing.get_type_hints(type(config)).items():
        value = getattr(config, name)
        options = (
            typing.get_args(annotation)
            if typing.get_origin(annotation) in (types.UnionType, typing.Union)
            else (annotation,)
        )
        expected = " or ".join(_describe(option) for option in options)
        require(any(_matches(value, option) for option in options), prefix + name, value, expected)


def _matches(value: object, annotation: Any) -> bool:
    if typing.get_origin(annotation) is Literal:
        return value in typing.get_args(annotation)
    if isinstance(value, bool):
        return annotation is bool
    if annotation is float:
        return isinstance(value, int | float)
    return isinstance(value, annotation)


def _describe(annotation: Any) -> str:
    if typing.get_origin(annotation) is Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(annotation))
    names = {int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}
    return names.get(annotation, "None" if annotation is type(None) else annotation.__name__)


def _positive(config: Any, prefix: str, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        require(0 < value < float("inf"), prefix + name, value, "more than 0")


def _not_negative(config: Any, prefix: str, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        require(0 <= value < float("inf"), prefix + name, value, "0 or more")


def _check_fourier(config: Any, prefix: str) -> None:
    _not_negative(config, prefix, "fourier_features")
    name, value = prefix + "max_frequency", config.max_frequency
    require(1 <= value < float("inf"), name, value, "1 or more")
    if config.architecture == "conv":
        name, value = prefix + "fourier_features", config.fourier_features
        require(value == 0, name, value, "0 with conv")


@dataclass(frozen=True)
class Data:
    """What to learn."""

    source: SourceName = "digits"
    """Data set."""

    def __post_init__(self) -> None:
        _check_types(self, "data.")


@dataclass(frozen=True)
class Generator:
    """The network that turns latents into samples."""

    architecture: Architecture = "mlp"
    """mlp for points and tiny images, conv for images."""
    latent_dim: int = 64
    """Dimension of the latent vector z."""
    latent: Literal["normal", "uniform"] = "normal"
    """Distribution of z's coordinates: both have mean 0 and variance 1."""
    width: int = 256
    """Units of a hidden layer (mlp), or channels at the finest resolution (conv)."""
    depth: int = 3
    """Hidden layers (mlp), or doublings of the resolution (conv)."""
    fourier_features: int = 0
    """Fixed random sines and cosines of z beside it, as inputs (mlp)."""
    max_frequency: float = 1.0
    """Highest of their angular frequencies, in radians per unit of z; they start at 1."""
    residual: bool = False
    """Add z to the output, for points: latent_dim must be their dimension (mlp)."""

    def __post_init__(self) -> None:
        _check_types(self, "generator.")
        _positive(self, "generator.", "latent_dim", "width", "depth")
        _check_fourier(self, "generator.")
        if self.residual:
            require(self.architecture == "mlp", "generator.residual", True, "false with conv")


@dataclass(frozen=True)
class Discriminator:
    """The network that scores samples: higher is more like the real ones."""

    architecture: Architecture = "mlp"
    """mlp for points and tiny images, conv for images."""
    width: int = 256
    """Units of a hidden layer (mlp), or channels at the finest resolution (conv)."""
    depth: int = 3
    """Hidden layers (mlp), or halvings of the resolution (conv)."""
    fourier_features: int = 0
    """Fixed random sines and cosines of a sample beside it, as inputs (mlp)."""
    max_frequency: float = 1.0
    """Highest of their angular frequencies, in radians per unit of the data's spread."""
    spectral_norm: bool = False
    """Divide each weight matrix by its largest singular value (Miyato et al. 2018)."""

    def __post_init__(self) -> None:
        _check_types(self, "discriminator.")
        _positive(self, "discriminator.", "width", "depth")
        _check_fourier(self, "discriminator.")


@dataclass(frozen=True)
class Objective:
    """The game that the two networks play."""

    loss: LossName = "softmax"
    """softmax grades each real against K fakes; nonsaturating is the classic two-term loss."""
    normalise: Literal["mean", "sum"] = "mean"
    """How softmax counts the K fakes: their mean does not shift with K; their sum is InfoNCE."""
    fakes_per_real: int | None = None
    """K, the fakes that each real is graded against; None takes the whole global batch."""
    temperature: float = 1.0
    """Divides the margins: lower is a sharper grade."""
    dual: bool = True
    """Grade each fake against the reals too (the dual contrastive loss)."""
    r1: float = 0.1
    """Weight of the penalty on the squared gradient of the score at real samples."""
    r2: float = 0.1
    """The same at fake samples. Both depend on the scale of the data: tune them for each set."""

    def __post_init__(self) -> None:
        _check_types(self, "objective.")
        _positive(self, "objective.", "temperature")
        _not_negative(self, "objective.", "r1", "r2")
        if self.fakes_per_real is not None:
            _positive(self, "objective.", "fakes_per_real")
        if self.loss == "nonsaturating":
            for name in ("normalise", "fakes_per_real", "temperature", "dual"):
                value, default = getattr(self, name), getattr(Objective, name)
                expected = f"{default!r} with nonsaturating, which does not use it"
                require(value == default, f"objective.{name}", value, expected)


@dataclass(frozen=True)
class Optim:
    """Adam for both networks, with a cosine decay, and the generator's moving average."""

    lr: float = 1e-3
    """Learning rate at the start."""
    final_lr_fraction: float = 0.05
    """Learning rate at the end, as a share of that at the start (cosine decay)."""
    beta1: float = 0.0
    """Adam's decay of the mean gradient."""
    beta2: float = 0.99
    """Adam's decay of the mean squared gradient."""
    ema_halflife_nimg: int = 32_000
    """Half-life of the generator's moving average, in images."""

    def __post_init__(self) -> None:
        _check_types(self, "optim.")
        _positive(self, "optim.", "lr", "ema_halflife_nimg")
        for name in ("final_lr_fraction", "beta1", "beta2"):
            value = getattr(self, name)
            upper_included = name == "final_lr_fraction"
            inside = 0 <= value <= 1 if upper_included else 0 <= value < 1
            expected = "from 0 to 1" if upper_included else "from 0 to below 1"
            require(inside, f"optim.{name}", value, expected)


@dataclass(frozen=True)
class Experiment:
    """Everything that decides a run. The clock is images seen (`nimg`): batch_size a step."""

    workdir: Path
    """Folder of the run: config.json, metrics.jsonl, checkpoints/, samples/."""
    data: Data = field(default_factory=Data)
    generator: Generator = field(default_factory=Generator)
    discriminator: Discriminator = field(default_factory=Discriminator)
    objective: Objective = field(default_factory=Objective)
    optim: Optim = field(default_factory=Optim)
    batch_size: int = 64
    """Global batch: real images a step, over all devices."""
    total_nimg: int = 320_000
    """Training length in images; rounded up to whole dispatches."""
    steps_per_dispatch: int = 1
    """Training steps in one compiled call; small models need several to hide its overhead."""
    log_nimg: int = 6_400
    """Images between two rows of metrics.jsonl."""
    snapshot_nimg: int = 64_000
    """Images between two pictures of the fixed latents."""
    checkpoint_nimg: int = 64_000
    """Images between two checkpoints."""
    seed: int = 0
    """Seed of everything random: same seed, same run."""

    def __post_init__(self) -> None:
        _check_types(self, "")
        _positive(self, "", "batch_size", "total_nimg", "steps_per_dispatch")
        _positive(self, "", "log_nimg", "snapshot_nimg", "checkpoint_nimg")
        require_seed(self.seed)
        require(str(self.workdir) not in ("", "."), "workdir", str(self.workdir), "a folder")
        fakes = self.objective.fakes_per_real
        if fakes is not None:
            name = "objective.fakes_per_real"
            limit = f"at most batch_size = {self.batch_size}"
            require(fakes <= self.batch_size, name, fakes, limit)

    @property
    def nimg_per_dispatch(self) -> int:
        """Images seen in one compiled call."""
        return self.batch_size * self.steps_per_dispatch

    @property
    def final_nimg(self) -> int:
        """Images seen when the run ends: `total_nimg` rounded up to whole dispatches."""
        return -(-self.total_nimg // self.nimg_per_dispatch) * self.nimg_per_dispatch


def to_json(config: Experiment) -> str:
    """The resolved config as JSON text."""
    return json.dumps(dataclasses.asdict(config), indent=2, default=str) + "\n"


def from_json(text: str) -> Experiment:
    """Read back what `to_json` wrote.

    Raises:
        ConfigError: text that is not JSON, a field that is unknown or missing, a wrong value.
    """
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"not a config in JSON: {error}") from None
    return _from_dict(Experiment, values, "")


def _from_dict(cls: Any, values: Any, prefix: str) -> Any:
    require(isinstance(values, dict), prefix.rstrip(".") or "config", values, "an object")
    hints = typing.get_type_hints(cls)
    for name in values:
        require(name in hints, prefix + name, values[name], f"one of {', '.join(hints)}")
    converted = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints[name]):
            value = _from_dict(hints[name], value, f"{prefix}{name}.")
        elif hints[name] is Path and isinstance(value, str):
            value = Path(value)
        converted[name] = value
    for name in (item.name for item in dataclasses.fields(cls)):
        if name not in converted:
            raise ConfigError(f"{prefix}{name}: is missing; must be given")
    return cls(**converted)


def differences(old: Experiment, new: Experiment) -> dict[str, tuple[Any, Any]]:
    """The fields in which two configs differ, as `{"optim.lr": (old, new)}`."""

    def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for item in dataclasses.fields(config):
            value = getattr(config, item.name)
            if dataclasses.is_dataclass(value):
                flat |= flatten(value, f"{prefix}{item.name}.")
            else:
                flat[prefix + item.name] = value
        return flat

    before, after = flatten(old), flatten(new)
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}
