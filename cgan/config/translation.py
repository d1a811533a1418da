"""The settings of image-to-image translation: whose pictures are given, and what of them is kept.

What is learnt (`data`) are the pictures that translations should look like. The pictures to be
translated are another data set, of the same size and channels, and no picture of the one belongs to
one of the other.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from cgan.config.checks import SIZE_AT_MOST, check_types, not_negative, positive, require
from cgan.config.data import OF_FILES, Data, SourceName
from cgan.config.networks import TRANSLATORS
from cgan.config.setting import setting
from cgan.datasets import DATASETS, OWN
from cgan.kinds import IMAGE

PATCHES_AT_MOST = 2**14
"""Most patches of a picture: all of them are compared with each other."""
OF_TRANSLATORS = {"generator.architecture": TRANSLATORS}
FORM = ("resolution", "channels", "background", "unusable", "cached")
"""Settings of `data` by which pictures of another source of files are read too."""
PLACES = {"path": "folder", "train_split": "tfds", "held_out_split": "tfds"}
"""Settings that say where pictures to be translated lie, and the data sets that read them."""


@dataclass(frozen=True)
class Translation:
    """Pictures to be translated, and the patch contrast that keeps their content (CUT)."""

    source: SourceName | None = setting(None, read_by=OF_TRANSLATORS)
    """Data set to be translated; None for that of `data`, elsewhere (resnet, unet)."""
    path: Path | None = setting(None, read_by=OF_TRANSLATORS)
    """Folder or .zip of pictures to be translated, read as `data` are (resnet, unet)."""
    train_split: str | None = setting(None, read_by=OF_TRANSLATORS)
    """Split of TFDS to be translated in training, such as trainA (resnet, unet)."""
    held_out_split: str | None = setting(None, read_by=OF_TRANSLATORS)
    """Split of TFDS that evaluation translates, such as testA (resnet, unet)."""
    patch_weight: float = setting(1.0, read_by=OF_TRANSLATORS)
    """Weight of the patch contrast of a picture with its translation (resnet, unet)."""
    identity_weight: float = setting(1.0, read_by=OF_TRANSLATORS)
    """Weight of that of a picture of the target with its own translation (resnet, unet)."""
    temperature: float = setting(0.07, read_by=OF_TRANSLATORS)
    """Divides cosines between patches (resnet, unet)."""
    patches: int = setting(256, read_by=OF_TRANSLATORS)
    """Places of each map that are compared, drawn anew; all where fewer (resnet, unet)."""
    dimensions: int = setting(256, read_by=OF_TRANSLATORS)
    """Length of a patch's unit vector, and units of the layer before it (resnet, unet)."""
    negatives: Literal["picture", "batch"] = setting("picture", read_by=OF_TRANSLATORS)
    """Other patches: of the same picture, or also of the batch's others (resnet, unet)."""

    def __post_init__(self) -> None:
        prefix = "translation."
        check_types(self, prefix)
        not_negative(self, prefix, "patch_weight", "identity_weight")
        positive(self, prefix, "temperature")
        positive(self, prefix, "patches", at_most=PATCHES_AT_MOST)
        positive(self, prefix, "dimensions", at_most=SIZE_AT_MOST)
        expected = "2 or more: a patch is told from others"
        require(self.patches > 1, "translation.patches", self.patches, expected)

    def inputs(self, data: Data) -> Data:
        """The data set of the pictures to be translated, beside that of the target."""
        if self.source not in (None, data.source):
            assert self.source is not None
            alike = {self.source, data.source} <= set(OF_FILES["source"])
            form = {name: getattr(data, name) for name in FORM} if alike else {}
            return Data(self.source, path=self.path, **form)
        places = {name: getattr(self, name) for name in PLACES}
        given = {name: value for name, value in places.items() if value is not None}
        return replace(data, limit=None, limit_seed=0, **given)


def check_translation(config: Any) -> None:
    """Raise a `ConfigError` where an `Experiment` can't translate, or not what it names."""
    if not config.generator.translates:
        return
    when = f"with generator.architecture = {config.generator.architecture!r}"
    translation, data = config.translation, config.data
    inputs = translation.source or data.source
    for name, source in (("data.source", data.source), ("translation.source", inputs)):
        fits = source not in DATASETS or DATASETS[source].kind == IMAGE
        require(fits, name, source, f"a data set of images {when}")
    clients, labels = config.federated.clients, config.conditioning.labels
    require(clients == 0, "federated.clients", clients, f"0 {when}, whose inputs have no shards")
    require(not labels, "conditioning.labels", labels, f"False {when}, which sees no classes")
    require(inputs != OWN, "translation.source", inputs, f"the name of a data set here {when}")
    same = inputs == data.source
    if inputs == "tfds":
        expected = "'tfds' with translation.source = 'tfds', which takes data.name"
        require(same, "data.source", data.source, expected)
    elif inputs != "folder":
        expected = f"another data set than data.source = {data.source!r} {when}"
        require(not same, "translation.source", translation.source, expected)
    _check_places(translation, data, inputs)


def _check_places(translation: Translation, data: Data, inputs: str) -> None:
    """Refuse places of pictures that are those of the target, missing, or read by nothing."""
    when = f"where pictures of {inputs!r} are translated"
    for name, needed_by in PLACES.items():
        value = getattr(translation, name)
        shown = str(value) if isinstance(value, Path) else value
        if inputs != needed_by:
            require(value is None, f"translation.{name}", shown, f"None {when}")
            continue
        there = getattr(data, name)
        expected = f"given {when}, and another than data.{name} = {str(there)!r}"
        require(value not in (None, there), f"translation.{name}", shown, expected)
