"""The commonest form decides, the same for all splits; and what a data set is, said in words."""

import io
import struct

import jax
import numpy as np
import pytest
from PIL import Image

from cgan.assemble import assemble
from cgan.commands import data as command
from cgan.config import ConfigError, Data, Discriminator, Experiment, Generator
from cgan.data import load_source, witness
from cgan.data.decode import Form, UnusableImage, decode
from cgan.data.listing import survey as surveys
from cgan.data.listing.survey import commonest, survey
from cgan.training import gan, loop
from cgan.training.procedure import Sources
from cgan.training.progress import TrainingProgress
from tests.picture_sets import KINDS, TWO, both, in_folder, numbers, picture, pictures


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


ODD = {
    "small": {"size": (4, 4)},
    "grey": {"channels": 1},
    "turned": {"size": (6, 9)},
}


@pytest.mark.parametrize("kind", TWO)
@pytest.mark.parametrize("odd", ODD)
def test_the_commonest_form_decides_and_not_the_first(kind, odd, tmp_path):
    few = pictures("", 0, 12, **ODD[odd])
    path = KINDS[kind](tmp_path / "set", {**few, **pictures("", 12, 60)})
    with pytest.raises(ConfigError, match=r"0000\.png: is .*60 of 72 images are like those"):
        both(path)
    train, test = both(path, unusable="skip")
    assert sorted(train | test) == [*range(12, 72)]
    train, test = (
        load_source(Data("folder", path=path, resolution=4, channels=3), split)
        for split in ("train", "test")
    )
    assert len(train) + len(test) == 72


def test_splits_share_one_form_even_where_most_held_out_images_are_odd(tmp_path):
    """By path: nobody chose which of them are held out."""
    entries = {**pictures("", 0, 70), **pictures("", 70, 50, channels=1)}
    root = in_folder(tmp_path / "set", entries)
    data = Data("folder", path=root, unusable="skip")
    assert [load_source(data, split).sample_shape for split in ("train", "test")] == [(6, 6, 3)] * 2
    assert sorted(joined_numbers(data)) == [*range(70)]


def joined_numbers(data):
    return [n for split in ("train", "test") for n in numbers(load_source(data, split))]


@pytest.mark.parametrize("unusable", ["fail", "skip"])
@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("odd", ODD)
def test_splits_of_different_forms_are_refused_before_training(odd, cached, unusable, tmp_path):
    if unusable == "skip" and not cached:
        return
    entries = {**pictures("train", 0, 20), **pictures("val", 20, 9, **ODD[odd])}
    data = Data(
        "folder",
        path=in_folder(tmp_path / "set", {**entries, "val/odd.png": picture(40)}),
        cached=cached,
        unusable=unusable,
    )
    config = Experiment(
        workdir=tmp_path / "run",
        data=data,
        generator=Generator(width=2, depth=1),
        discriminator=Discriminator(width=2, depth=1),
    )
    with pytest.raises(ConfigError, match=r"to train on are .*, those held out .*; must be alike"):
        loop.train(config)
    assert not (tmp_path / "run").exists()
    assert not [*tmp_path.rglob("images.npy")]


def encoded(kind, mode, size, **how):
    content = io.BytesIO()
    noise = np.random.default_rng(0).integers(256, size=(size[1], size[0], 4), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(content, kind, **how)
    return content.getvalue()


def orientation(number):
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, number, 0)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)


class Held:
    """Encoded images in memory."""

    def __init__(self, contents):
        self.contents, self.whole = contents, 0

    def __len__(self):
        return len(self.contents)

    def name(self, number):
        return str(number)

    def read(self, number):
        self.whole += 1
        return self.contents[number]

    def head(self, number, most):
        return self.contents[number][:most]


@pytest.mark.parametrize("form", [Form(None, None), Form(8, None), Form(None, 3), Form(8, 1)])
def test_headers_tell_what_decoding_gives(form):
    contents = [b"", b"text", encoded("png", "RGB", (9, 7))[:40]]
    for kind, modes in {
        "png": ("1", "L", "LA", "P", "RGB", "RGBA"),
        "jpeg": ("L", "RGB", "CMYK"),
    }.items():
        contents += [encoded(kind, mode, size) for mode in modes for size in ((9, 7), (8, 8))]
    contents += [encoded("webp", "RGB", (9, 7)), encoded("bmp", "L", (9, 7))]
    for number in range(1, 9):
        for kind in ("png", "jpeg", "webp"):
            contents.append(encoded(kind, "RGB", (9, 7), exif=orientation(number)))
    seen = survey(Held(contents), form)
    for content, found in zip(contents, seen, strict=True):
        try:
            expected = decode(content, form).shape
        except UnusableImage:
            continue  # met when it is decoded, if its header is sound
        assert found == expected
    assert [isinstance(one, UnusableImage) for one in seen[:2]] == [True, True]


def test_only_beginnings_are_read_unless_headers_are_longer():
    large = [encoded("png", "RGB", (200, 200)), encoded("jpeg", "RGB", (300, 200), quality=99)]
    assert min(map(len, large)) > 2 * surveys.HEAD_BYTES
    held = Held(large)
    assert survey(held, Form(None, None)) == [(200, 200, 3), (200, 300, 3)]
    assert held.whole == 0
    held = Held([encoded("jpeg", "RGB", (9, 7), icc_profile=bytes(surveys.HEAD_BYTES * 2))])
    assert survey(held, Form(None, None)) == [(7, 9, 3)]
    assert held.whole == 1


def test_of_equals_the_earlier_is_the_commonest():
    shapes = [UnusableImage("x"), (1, 1, 1), (2, 2, 3), (2, 2, 3), (1, 1, 1)]
    assert commonest(shapes) == ((1, 1, 1), 2)
    assert commonest(shapes[:1]) is None


def test_the_second_start_looks_at_no_header_and_a_damaged_survey_heals(
    tmp_path, cache, monkeypatch
):
    monkeypatch.setattr(witness, "SETTLED_NS", 0)
    root = in_folder(tmp_path / "set", pictures("", 0, 60))
    looked = []
    original = surveys._look
    monkeypatch.setattr(surveys, "_look", lambda *args: looked.append(1) or original(*args))
    first = both(root)
    assert len(looked) == 60, "once for both splits"
    assert both(root) == first
    assert len(looked) == 60
    (kept,) = cache.rglob("*.survey.npz")
    for content in (kept.read_bytes()[:100], b""):
        kept.write_bytes(content)
        assert both(root) == first
    assert len(looked) == 180
    in_folder(root, {"0007.png": picture(300)})
    assert 300 in both(root)[0] | both(root)[1]
    assert len(looked) == 240


def listed(capsys, *argv):
    command.main([*map(str, argv)])
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def test_the_command_says_all_and_writes_nothing(tmp_path, cache, capsys):
    entries = {**pictures("train/cats", 0, 12), **pictures("train/dogs", 12, 6)}
    entries |= {**pictures("test/cats", 20, 3), **pictures("val/dogs", 30, 2), ".x.png": b""}
    root = in_folder(tmp_path / "set", entries)
    before = sorted(tmp_path.rglob("*"))
    out = listed(capsys, root, "--names", 1)
    assert out[0] == (
        "set: 21 images of 6 x 6 with 3 channels; 18 to train on and 3 held out (folder test); "
        "2 classes (by folder): cats 15, dogs 6; left out 3: 1 hidden, 2 in neither split"
    )
    table = [line.split() for line in out]
    assert ["cats", "12", "3"] in table
    assert ["dogs", "6", "0"] in table
    assert "    val/dogs/0030.png" in out
    assert "    and 1 more" in out
    assert sorted(tmp_path.rglob("*")) == before
    assert not cache.exists()


def test_the_command_takes_the_settings_of_training(tmp_path, capsys):
    root = in_folder(
        tmp_path / "set", {**pictures("a", 0, 30), **pictures("b", 30, 30, size=(9, 6))}
    )
    settings = ["--data.resolution", "8", "--data.classes", "none", "--data.splits", "a,b"]
    out = listed(capsys, "--data.source", "folder", "--data.path", root, *settings, "--data.flip")
    assert out[0].startswith("set: 60 images of 8 x 8 with 3 channels; 30 to train on and 30 held")
    assert "no classes (as data.classes says)" in out[0]


def test_the_command_says_all_and_then_refuses_what_training_would(tmp_path, capsys):
    root = in_folder(tmp_path / "set", {**pictures("", 0, 50), "odd.png": picture(7, (9, 9))})
    in_folder(root, {"bad.png": b"no image"})
    with pytest.raises(ConfigError, match=r"bad\.png: is no PNG"):
        command.main([str(root)])
    out = capsys.readouterr().out
    assert "left out 2: 1 of another form, 1 unreadable" in out
    assert "    odd.png: 9 x 9 with 3 channels" in out
    assert "    bad.png: is no PNG, JPEG, WebP or BMP image" in out
    for wrong in ([], ["--data.source", "digits"], [str(root), "--names", "-1"]):
        with pytest.raises(ConfigError):
            command.main(wrong)
    listed(capsys, root, "--data.unusable", "skip")


def test_training_says_the_first_line_first(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(gan, "count_parameters", lambda _: 0)
    root = in_folder(tmp_path / "set", {**pictures("[red]", 0, 40), **pictures("{x}", 40, 40)})
    parts = assemble(
        Experiment(
            workdir=tmp_path / "run",
            data=Data("folder", path=root),
            generator=Generator(width=2, depth=1),
            discriminator=Discriminator(width=2, depth=1),
        )
    )
    progress = TrainingProgress("run", 0, 64)
    trained = gan.Gan(parts, Sources(parts.source, parts.source))
    loop._introduce(trained, jax.devices(), 0, parts.abstract_state(), progress)
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("set: 80 images of 6 x 6 with 3 channels; ")
    assert "2 classes (by folder): [red] 40, {x} 40" in first
