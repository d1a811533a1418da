"""Any image data set of tensorflow-datasets that was prepared as array_record; no TensorFlow.

Preparing a data set may need TensorFlow and is a step of its own, in an environment of its own
(`requirements-tfds.txt`); what it leaves on disk is read here as encoded images, by number.
"""

import contextlib
import io
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from jaxtyping import Int

from cgan.config import ConfigError, Data
from cgan.data.decode import UnusableImage
from cgan.data.decoded import DecodedImages, decoded
from cgan.data.encoded import EncodedImages, encoded, sizes
from cgan.data.files import Listing, named_cache_path
from cgan.data.listing.some import shape_of_some
from cgan.data.source import Split
from cgan.data.witness import Witness, witness_of
from cgan.system.cache import load_arrays, save_arrays
from cgan.system.legible import plain

REASON_AT_MOST = 300
"""Most characters of the library's own words in a message: some list all that it knows."""


def load(data: Data, split: Split) -> DecodedImages | EncodedImages:
    """Load one split of a prepared data set.

    Raises:
        ConfigError: an unknown or unprepared data set or split, or one without images.
    """
    listings = _listings(data)
    listing = replace(listings[split], shape=shape_of_some(data, listings))
    return decoded(listing, data) if data.cached else encoded(listing, data)


def description(data: Data) -> str:
    """One line on what a prepared data set holds, read from a part of its headers.

    Raises:
        ConfigError: as for `load`, so far as it was read.
    """
    listings = _listings(data)
    shape = shape_of_some(data, listings, keep=False)
    names = listings["train"].class_names
    return (
        f"{data.name}: {len(listings['train']):,} to train on ({data.train_split}) and "
        f"{len(listings['test']):,} held out ({data.held_out_split}), {sizes(shape)}; "
        f"{f'{len(names):,} classes: ' if names else 'no classes'}{', '.join(map(plain, names))}"
    )


def _listings(data: Data) -> dict[Split, Listing]:
    """The listings of both splits."""
    assert data.name is not None
    tfds = _library()
    builder = _prepared(tfds, data)
    keys = _features(tfds, builder, data.name)
    return {split: _listing(tfds, builder, keys, data, split) for split in get_args(Split)}


def _listing(
    tfds: Any, builder: Any, keys: tuple[str, str | None], data: Data, split: Split
) -> Listing:
    assert data.name is not None
    image_key, label_key = keys
    field = {"train": "train_split", "test": "held_out_split"}[split]
    wanted = getattr(data, field)
    try:
        decoders = {image_key: tfds.decode.SkipDecoding()}
        records: Any = builder.as_data_source(split=wanted, decoders=decoders)
    except (ValueError, KeyError) as error:
        known = ", ".join(f"{name!r}" for name in builder.info.splits)
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"data.{field} = {wanted!r}: can't be read ({reason}); {data.name} has the splits "
            f"{known}"
        ) from None
    files = sorted(Path(builder.data_path).iterdir())
    described = [builder.info.full_name, wanted, image_key, label_key, [f.name for f in files]]
    witness = witness_of((file.stat() for file in files), described)
    name = data.name.replace("/", "-")

    def labels() -> Int[np.ndarray, " n"]:
        return _labels(builder, records, label_key, f"data.name = {data.name!r}")

    return Listing(
        name=name,
        files=Records(records, image_key, f"{data.name} {wanted}"),
        labels=lambda: _kept_labels(name, len(records), labels, witness),
        class_names=() if label_key is None else tuple(builder.info.features[label_key].names),
        witness=witness,
    )


@dataclass(frozen=True)
class Records:
    """Encoded images that are examples of a prepared split."""

    records: Any
    image_key: str
    title: str

    def __len__(self) -> int:
        return len(self.records)

    def name(self, number: int) -> str:
        return f"{self.title}, example {number}"

    def read(self, number: int) -> bytes:
        return bytes(_record(self.records, number)[self.image_key])


def _library() -> Any:
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ConfigError(
            f"data.source = 'tfds': needs tensorflow-datasets ({error}); "
            "pip install -r requirements.txt"
        ) from None
    logging.getLogger("absl").setLevel(logging.ERROR)  # warns of folders that only hold a part
    return tensorflow_datasets


def _prepared(tfds: Any, data: Data) -> Any:
    """The builder of a data set that lies prepared on disk."""
    where = {} if data.data_dir is None else {"data_dir": str(data.data_dir)}
    shown = "" if data.data_dir is None else f" --data_dir {data.data_dir}"
    command = f"tfds build {data.name} --file_format array_record{shown}"
    given = f"data.name = {data.name!r}"
    expected = (
        "must be a data set of tensorflow-datasets, or one that lies prepared in data.data_dir"
    )
    try:
        with contextlib.redirect_stdout(io.StringIO()), _without_foreign_code(tfds):
            named, _ = tfds.core.naming.parse_builder_name_kwargs(data.name)
            if named.namespace is not None:  # others' code, from elsewhere
                raise ConfigError(f"{given}: is of another collection; {expected}")
            builder = tfds.builder(data.name, try_gcs=False, **where)
    except ConfigError:
        raise
    except ImportError as error:
        raise ConfigError(f"{given}: is not prepared, and {_prepare(command)} ({error})") from None
    except Exception as error:  # of the library's many parsers, given files of anybody's
        raise ConfigError(f"{given}: {_reason(error)}; {expected}") from None
    if not builder.is_prepared():
        raise ConfigError(f"{given}: is not prepared in {builder.data_path}; {_prepare(command)}")
    if builder.info.file_format != tfds.core.FileFormat.ARRAY_RECORD:
        found = builder.info.file_format.value
        raise ConfigError(
            f"{given}: is prepared as {found} in {builder.data_path}; {_prepare(command)}"
        )
    return builder


@contextlib.contextmanager
def _without_foreign_code(tfds: Any) -> Iterator[None]:
    """A context in which the library imports no modules but its own.

    It would import whatever module a prepared set's `features.json` names.
    """
    connector = tfds.features.FeatureConnector
    inherited = connector.__dict__["cls_from_name"]

    def known_only(cls: Any, name: str) -> Any:
        if not name.startswith("tensorflow_datasets."):
            raise ValueError(f"its features.json asks for {name!r}, which is not the library's")
        return inherited.__func__(cls, name)

    connector.cls_from_name = classmethod(known_only)
    try:
        yield
    finally:
        connector.cls_from_name = inherited


def _prepare(command: str) -> str:
    return (
        "must be prepared once as array_record, in an environment with requirements-tfds.txt "
        f"installed, by: {command}"
    )


def _features(tfds: Any, builder: Any, name: str) -> tuple[str, str | None]:
    """Names of the image and, where there is one, of its label among a data set's features."""
    features = builder.info.features
    images = [key for key, of in features.items() if isinstance(of, tfds.features.Image)]
    if not images:
        found = ", ".join(f"{key} ({type(of).__name__})" for key, of in features.items())
        raise ConfigError(f"data.name = {name!r}: holds {found}; must hold images")
    labels = [key for key, of in features.items() if isinstance(of, tfds.features.ClassLabel)]
    image = "image" if "image" in images else images[0]
    return image, ("label" if "label" in labels else labels[0]) if labels else None


def _record(records: Any, number: int) -> Any:
    """Read one example.

    Raises:
        UnusableImage: the files that hold it are damaged, or gone.
    """
    try:
        return records[number]
    except Exception as error:  # whatever the readers of records and of features raise
        raise UnusableImage(f"can't be read ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    """The library's own words on one line, cut where they are long."""
    return " ".join(str(error).split())[:REASON_AT_MOST] or type(error).__name__


def _kept_labels(
    name: str, count: int, read: Callable[[], Int[np.ndarray, " n"]], witness: Witness
) -> Int[np.ndarray, " n"]:
    """Labels of a split, from the cache or read now and kept there."""
    began_ns = time.time_ns()
    path = named_cache_path(name, f"{witness.fingerprint[:16]}.labels.npz")
    labels = (load_arrays(path) or {}).get("labels")
    if labels is None or labels.dtype != np.int32 or labels.shape != (count,):
        labels = read()
        if witness.is_settled(began_ns):
            save_arrays(path, {"labels": labels})
    return labels


def _labels(builder: Any, records: Any, key: str | None, given: str) -> Int[np.ndarray, " n"]:
    """Read all labels of a split; they lie in the records, so that each has to be read."""
    labels = np.zeros(len(records), np.int32)
    if key is None:
        return labels
    classes = len(builder.info.features[key].names)
    for number in range(len(records)):
        try:
            labels[number] = label = int(_record(records, number)[key])
            if not 0 <= label < classes:
                raise UnusableImage(f"has the label {label} of {classes}")
        except UnusableImage as error:
            where = f"example {number} of {len(records)} in {builder.data_path}"
            raise ConfigError(f"{given}: {where} {error}; must be prepared anew") from None
    return labels
