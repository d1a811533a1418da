"""Pictures: every tile in its place, files that read back the same and appear whole."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cgan.sampling import pictures
from cgan.system import files

GRAY = 96
GAP = 4


def some_images(n: int, height: int, width: int, channels: int) -> np.ndarray:
    rng = np.random.default_rng([n, height, width, channels])
    return rng.integers(256, size=(n, height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize(
    ("n", "height", "width", "channels", "columns", "factor"),
    [
        (1, 8, 8, 1, 1, 6),
        (6, 8, 8, 3, 3, 6),
        (7, 8, 8, 1, 3, 6),  # the last row is not full
        (3, 5, 9, 3, 8, 6),  # 9 becomes 54, the first whole factor to reach 48
        (4, 48, 20, 3, 2, 1),
        (2, 64, 64, 1, 2, 1),
    ],
)
def test_every_pixel_of_a_grid_is_its_tiles_or_the_ground(
    n: int, height: int, width: int, channels: int, columns: int, factor: int
) -> None:
    images = some_images(n, height, width, channels)
    grid = pictures.image_grid(images, columns)
    rows = -(-n // columns)
    tall, wide = height * factor, width * factor
    expected = np.full(
        (rows * (tall + GAP) + GAP, columns * (wide + GAP) + GAP, channels), GRAY, np.uint8
    )
    for index in range(n):
        top = GAP + (index // columns) * (tall + GAP)
        left = GAP + (index % columns) * (wide + GAP)
        block = np.ones((factor, factor), np.uint8)
        for channel in range(channels):
            enlarged = np.kron(images[index, :, :, channel], block)
            expected[top : top + tall, left : left + wide, channel] = enlarged
    np.testing.assert_array_equal(grid, expected)


def test_channels_stand_beside_their_image_in_grey() -> None:
    images = some_images(2, 3, 4, 3).repeat(12, axis=1).repeat(12, axis=2)
    apart = pictures.beside_its_channels(images[:, ::12, ::12])
    assert apart.shape == (2, 36, 4 * 48 + 3, 3)
    for number, row, column, channel in np.ndindex(2, 36, 48, 3):
        pixel = images[number, row, column]
        assert apart[number, row, column, channel] == pixel[channel]
        at = 49 * (channel + 1) + column
        assert apart[number, row, at].tolist() == [pixel[channel]] * 3
    assert (apart[:, :, [48, 97, 146]] == GRAY).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_saved_grid_reads_back_the_same(tmp_path: Path, channels: int) -> None:
    images = some_images(5, 8, 8, channels)
    path = tmp_path / "new" / "folder" / "grid.png"
    pictures.save_image_grid(path, images, columns=3)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.mode == {1: "L", 3: "RGB"}[channels]
        read = np.asarray(picture).reshape(*picture.size[::-1], channels)
    np.testing.assert_array_equal(read, pictures.image_grid(images, 3))


def reddish(path: Path) -> np.ndarray:
    """Where the picture shows generated points."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    return pixels[..., 0] > pixels[..., 1] + 60


def center(mask: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return float(rows.mean()) / mask.shape[0], float(columns.mean()) / mask.shape[1]


REAL = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]], np.float32)


@pytest.mark.parametrize("walks", [0, 2])
def test_a_scatter_shows_the_points_where_they_lie(tmp_path: Path, walks: int) -> None:
    cloud = np.random.default_rng(0).normal(scale=0.05, size=(200, 2)).astype(np.float32)
    drawn = {}
    for name, shift in {"low_left": (-0.6, -0.6), "top": (0, 0.6)}.items():
        path = tmp_path / f"{name}.png"
        pictures.save_scatter(path, cloud + np.float32(shift), REAL, "a title", walks)
        # The legend in the upper right corner shows a red point too.
        drawn[name] = reddish(path)
        drawn[name][: drawn[name].shape[0] // 3, -drawn[name].shape[1] // 3 :] = False
        assert drawn[name].sum() > 100
    (low_row, left_column), (top_row, middle_column) = map(center, drawn.values())
    assert low_row > 0.6 > 0.4 > top_row
    assert left_column < 0.45 < middle_column


def test_the_axes_follow_the_real_points(tmp_path: Path) -> None:
    far_away = np.full((50, 2), 30, np.float32)
    pictures.save_scatter(tmp_path / "far.png", far_away, REAL, "far")
    mask = reddish(tmp_path / "far.png")
    mask[: mask.shape[0] // 3, -mask.shape[1] // 3 :] = False
    assert not mask.any()


def test_walks_are_joined_by_lines(tmp_path: Path) -> None:
    ends = np.array([[-0.5, 0], [0.5, 0]], np.float32)
    pictures.save_scatter(tmp_path / "alone.png", ends, REAL, "alone")
    pictures.save_scatter(tmp_path / "walk.png", ends, REAL, "walk", walks=1)
    columns = [reddish(tmp_path / f"{name}.png").any(axis=0).sum() for name in ("alone", "walk")]
    assert columns[1] > 150 > 50 > columns[0]


def test_a_file_is_replaced_whole_and_leaves_no_partial_one(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    pictures.save_image_grid(path, some_images(2, 8, 8, 1), 2)
    first = path.read_bytes()
    pictures.save_image_grid(path, some_images(4, 8, 8, 3), 2)
    assert path.read_bytes() != first
    assert [found.name for found in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize("name", ["n" * 251 + ".png", "ä" * 125 + ".png", "𝄞" * 62 + ".png"])
def test_a_name_may_be_as_long_as_the_file_system_allows(name: str, tmp_path: Path) -> None:
    files.replace(tmp_path / name, b"content")
    with files.written_whole(tmp_path / name) as file:
        file.write(b"other content")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: b"other content"}


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.json"
    files.replace(path, b"old")

    def full_disk(target: Path, content: bytes) -> int:
        with target.open("wb") as file:
            file.write(content[:1])
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        with pytest.raises(OSError, match="no space"):
            files.replace(path, b"new")
    assert path.read_bytes() == b"old"
    files.replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert [found.name for found in tmp_path.iterdir()] == ["config.json"]
