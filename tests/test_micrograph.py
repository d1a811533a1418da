"""Micrographs: lattices fitted against known ones, windows against the picture, files refused."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from cgan.config import ConfigError, Data
from cgan.data import load_source, micrograph
from cgan.data.crystal import HEIGHT, LATTICE, WIDTH
from cgan.data.micrograph import Micrograph, fit_vectors

SIDE = 240


def crystal_of(vectors: np.ndarray, side: int = SIDE, noise: float = 0.3) -> np.ndarray:
    """A picture with the periods of two vectors: bright dots, from three plane waves."""
    places = np.stack(np.mgrid[:side, :side], axis=-1) @ np.linalg.inv(vectors)
    first, second = 2 * np.pi * np.moveaxis(places, -1, 0)
    waves = np.cos(first) + np.cos(second) + np.cos(first - second)
    return waves + np.random.default_rng(0).normal(0, noise, waves.shape)


def turned(degrees: float, scale: float) -> np.ndarray:
    """The lattice of the simulated pictures, turned and enlarged."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * np.array(LATTICE, float) @ turn.T


@pytest.mark.parametrize(("degrees", "scale"), [(0, 1.0), (8, 1.6), (-20, 2.1), (50, 1.3)])
def test_the_vectors_of_a_lattice_are_found_however_it_lies(degrees: float, scale: float) -> None:
    true = turned(degrees, scale)
    found = fit_vectors(crystal_of(true))
    multiples = found @ np.linalg.inv(true)
    np.testing.assert_allclose(multiples, np.rint(multiples), atol=0.005)
    assert abs(np.linalg.det(np.rint(multiples))) == pytest.approx(1)
    assert found[1, 1] > abs(found[1, 0])
    assert found[0, 0] > 0


def test_a_window_is_the_picture_on_the_lattices_own_grid() -> None:
    vectors = turned(8, 2.0)
    picture = crystal_of(vectors, noise=0.0)
    found = Micrograph(picture, vectors)
    corners = found.corners(20, (0.0, SIDE - 1.0), np.random.default_rng(0))
    windows = found.windows(corners)
    assert windows.shape == (20, HEIGHT, WIDTH, 1)
    x = windows[..., 0].astype(float)
    for shift in LATTICE:
        assert np.abs(np.roll(x, shift, (1, 2)) - x).max() < 6  # of 255: it closes to a torus
    assert np.abs(np.roll(x, (3, 2), (1, 2)) - x).max() > 100
    ahead = found.windows(corners + vectors[0])[..., 0].astype(float)
    assert np.abs(ahead - x)[:10].max() < 60  # those that leave the picture are not compared
    smooth = ndimage.gaussian_filter(picture, 0.4 * np.sqrt(abs(np.linalg.det(found.grid))))
    place = corners[0] + found.grid @ (5, 9)
    (expected,) = ndimage.map_coordinates(smooth, place[:, None], order=3)
    low, high = np.percentile(picture, (0.5, 99.5))
    assert x[0, 5, 9] == pytest.approx(255 * np.clip((expected - low) / (high - low), 0, 1), abs=1)


def test_windows_of_either_split_lie_in_their_own_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(micrograph, "WINDOWS", {"train": 64, "test": 32})
    picture = crystal_of(turned(3, 1.4), side=300)
    path = tmp_path / "crystal.npy"
    np.save(path, picture)
    data = Data("lattice", path=path)
    train, held_out = (load_source(data, split) for split in ("train", "test"))
    assert (len(train), len(held_out), train.class_names) == (64, 32, ())
    assert "lattice vectors" in train.description
    assert train.content().ordered != held_out.content().ordered
    with pytest.raises(ConfigError, match=r"^data\.path = .*is not there"):
        load_source(Data("lattice", path=tmp_path / "gone.npy"), "train")
    found = micrograph.read(path)
    rng, ends = np.random.default_rng(1), np.array([[0, 0], [27, 0], [0, 31], [27, 31]])
    for columns in [(0.0, 225.0), (225.0, 299.0)]:
        places = found.corners(100, columns, rng)[:, None] + ends @ found.grid.T
        assert (places.min(axis=(0, 1)) >= [0, columns[0]]).all()
        assert (places.max(axis=(0, 1)) <= [299, columns[1]]).all()


BROKEN: dict[str, tuple[Any, str]] = {
    "rgb.npy": (np.zeros((100, 100, 3)), r"has the shape \(100, 100, 3\); must be one grey"),
    "small.npy": (np.zeros((20, 100)), "has 20 x 100 pixels; must have sides from 64"),
    "nan.npy": (np.full((100, 100), np.nan), "has pixels that are no numbers"),
    "noise.npy": (np.random.default_rng(0).normal(size=(128, 128)), "repeats nowhere"),
    "flat.npy": (np.ones((128, 128)), "repeats nowhere"),
    "coarse.npy": (crystal_of(turned(0, 4.0), side=160), "4 x 4 cells of its lattice, .* not fit"),
    "text.npy": (b"nothing", "can't be read as an array"),
    "picture.png": (b"nothing", r"must be a file of \.dm3, \.dm4, \.npy"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_lattice_is_refused_in_one_message(name: str, tmp_path: Path) -> None:
    content, message = BROKEN[name]
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.save(path, content)
    with pytest.raises(ConfigError, match=rf"^data\.path = '.*{name}': .*{message}"):
        load_source(Data("lattice", path=path), "test")


def test_without_ncempy_one_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.dm3"
    path.write_bytes(b"not one")
    monkeypatch.setitem(sys.modules, "ncempy.io", None)
    with pytest.raises(ConfigError, match=r"^data\.path = .*: pip install ncempy$"):
        load_source(Data("lattice", path=path), "train")


def test_a_damaged_dm3_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("ncempy.io.dm")
    path = tmp_path / "x.dm3"
    path.write_bytes(b"not one")
    with pytest.raises(ConfigError, match=r"^data\.path = .*can't be read as DigitalMicrograph's"):
        load_source(Data("lattice", path=path), "train")


def shipped() -> Path:
    """The micrograph that temul-toolkit ships, read where it is installed."""
    found = find_spec("temul")
    if found is None or found.origin is None:
        pytest.skip("temul-toolkit is not installed")
    folder = Path(found.origin).parent / "example_data" / "experimental"
    return folder / "example_Se_implanted_MoS2.dm3"


@pytest.mark.slow
def test_the_lattice_of_a_real_micrograph() -> None:
    pytest.importorskip("ncempy.io.dm")
    found = micrograph.read(shipped())
    np.testing.assert_allclose(found.vectors, [[20.8, 12.3], [0.75, 23.5]], atol=0.3)
    rng = np.random.default_rng(0)
    corners = found.corners(50, (0.0, 1_023.0), rng, margin=40.0)
    here, there, between = (
        found.windows(corners + shift).reshape(50, -1).astype(float)
        for shift in (0, found.vectors[0], found.vectors[0] / 2)
    )
    alike = [np.corrcoef(x, y)[0, 1] for x, y in zip(here, there, strict=True)]
    apart = [np.corrcoef(x, y)[0, 1] for x, y in zip(here, between, strict=True)]
    assert np.mean(alike) > 0.75
    assert np.mean(apart) < 0
