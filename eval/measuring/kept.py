"""What was read of a set of samples, kept in the cache folder: a second evaluation draws nothing.

A file's name carries a fingerprint of all that its content depends on: the samples, or what draws
them; what reads them; how many rows were wanted, and what of them. A damaged file is found by its
checksums and made again. Where all files together would take more than `BYTES_AT_MOST`, those that
were not used for longest go.
"""

import re
from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from jaxtyping import Shaped

from cgan.system.cache import keep_within, load_as, save_arrays
from cgan.system.files import cache_folder
from eval.extractors.reader import Reader
from eval.files.fingerprint import fingerprint
from eval.gather import Advance, Wanted, gather, silent
from eval.metrics.base import IMAGES_KEPT, Gathered
from eval.metrics.moments import Moments
from eval.together import known_to_all

VERSION = "features-1"
"""Version of the file's layout, and of how samples are read; raise it when either changes."""
NAME_AT_MOST = 64
"""Most characters of a data set's name in a file's name."""
BYTES_AT_MOST = 4 * 2**30
"""Most bytes of all files together."""
ROWS = ("features", "labels", "logits", "images")
"""What is kept row by row: of fewer samples it is the first rows."""


def gather_kept(
    name: str,
    key: str | None,
    chunks: Iterable[Shaped[np.ndarray, "_ ..."]],
    reader: Reader,
    wanted: Sequence[Wanted],
    advance: Advance = silent,
) -> list[Gathered]:
    """Gather as `gather` does, or take what was gathered of these samples before.

    Args:
        name: of the data set, for the file's name.
        key: a hash of the samples, or of all that draws them; None for samples that are not kept.
        chunks: samples in the stored form, not asked for where they are known.
        reader: what reads them.
        wanted: what to keep for each result, the most rows first.
        advance: told the number of samples of each chunk that was read.

    Raises:
        FeatureError: features that are not finite.
    """
    if key is None:
        return gather(chunks, reader, wanted, advance)
    extractor, labeller = reader.extractor, reader.labeller
    of_reader = [extractor.name, extractor.fingerprint]
    of_reader += [] if labeller is None else [labeller.name, labeller.fingerprint]
    asked = [f"{each.n} {' '.join(sorted(each.needs))}" for each in wanted]
    name = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)[:NAME_AT_MOST]
    unique = fingerprint(VERSION, key, *of_reader, str(reader.classes), *asked)
    path = cache_folder() / f"features-{name}-{extractor.name}-{unique}.npz"
    read = partial(_from_arrays, reader=reader, wanted=wanted)
    if (known := known_to_all(load_as(path, read, "these features"))) is not None:
        advance(known[0].n)
        return known
    found = gather(chunks, reader, wanted, advance)
    arrays = _to_arrays(found)
    if sum(array.nbytes for array in arrays.values()) <= BYTES_AT_MOST:
        save_arrays(path, arrays)
        keep_within("features", BYTES_AT_MOST)
    return found


def _to_arrays(found: Sequence[Gathered]) -> dict[str, np.ndarray]:
    """Arrays of what was gathered: rows once, those of the most samples."""
    arrays: dict[str, np.ndarray] = {"n": np.array([of.n for of in found])}
    for place, of in enumerate(found):
        if of.counts is not None:
            arrays[f"counts_{place}"] = of.counts
        if of.moments:
            parts = zip(*of.moments, strict=True)
            arrays |= {
                name: np.stack(each) for name, each in zip(_moments_at(place), parts, strict=True)
            }
    kept = {name: getattr(found[0], name) for name in ROWS}
    return arrays | {name: rows for name, rows in kept.items() if rows is not None}


def _from_arrays(
    arrays: dict[str, np.ndarray], reader: Reader, wanted: Sequence[Wanted]
) -> list[Gathered] | None:
    """What was gathered, from a file's arrays; None where a part is missing or does not fit."""
    if not _fits(arrays, reader, wanted):
        return None
    found = []
    for place, n in enumerate(arrays["n"].tolist()):
        parts = [arrays[name] for name in _moments_at(place) if name in arrays]
        found.append(
            Gathered(
                n=n,
                counts=arrays.get(f"counts_{place}"),
                moments=tuple(Moments(int(many), *of) for many, *of in zip(*parts, strict=True)),
                **{name: arrays[name][:n] for name in ROWS if name in arrays},
            )
        )
    return found


def _moments_at(place: int) -> list[str]:
    return [f"moments_{part}_{place}" for part in ("n", "mean", "scatter")]


def _fits(arrays: dict[str, np.ndarray], reader: Reader, wanted: Sequence[Wanted]) -> bool:
    """Whether a file has all that was wanted, of as many rows as it says, and finite."""
    needed = {"n"}
    for place, each in enumerate(wanted):
        needed |= set(_moments_at(place)) if "moments" in each.needs else set()
        needed |= {f"counts_{place}"} if "counts" in each.needs and reader.classes else set()
    needed |= {"features", "images"} & wanted[0].needs
    needed |= {"labels"} & wanted[0].needs if reader.labeller is not None else set()
    if not arrays.keys() >= needed or arrays["n"].shape != (len(wanted),):
        return False
    n = int(arrays["n"][0])
    rows = {"images": min(n, IMAGES_KEPT)}
    return all(len(arrays[name]) == rows.get(name, n) for name in ROWS if name in arrays) and all(
        np.isfinite(array).all() for array in arrays.values()
    )
