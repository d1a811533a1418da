"""Files of weights: genuine ones of PyTorch, broken ones, and hostile ones, which must not run."""

import io
import os
import pickle
import struct
import subprocess
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest
from reference import torch_files
from safetensors.numpy import save_file

from cgan.config import ConfigError
from eval.extractors import weights
from eval.extractors.weights import Published

PUBLISHED = Published("inception", "net.pth", "https://example.org/net.pth")


def written(path, content):
    path.write_bytes(content)
    return path


# Genuine files


@pytest.mark.parametrize("name", torch_files.NAMES)
def test_reads_files_of_pytorch(name):
    state = weights.read_state(torch_files.HERE / f"{name}.pth")
    rounded = np.asarray(jnp.asarray(torch_files.BFLOAT16).astype(jnp.bfloat16))
    expected = torch_files.arrays() | {"bfloat16": rounded}
    assert list(state) == list(expected)
    for key, array in expected.items():
        assert state[key].dtype == array.dtype, key
        np.testing.assert_array_equal(state[key], array, err_msg=key, strict=True)


def test_views_share_memory_and_cannot_be_written():
    state = weights.read_state(torch_files.HERE / "torch_zip.pth")
    assert np.shares_memory(state["base"], state["slice"])
    with pytest.raises(ValueError, match="read-only"):
        state["slice"][0, 0] = 1


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_numpy_archives(tmp_path, save):
    rng = np.random.default_rng(0)
    arrays = {"a.b": rng.normal(size=(3, 5)).astype("f4"), "c": np.asfortranarray(np.eye(3)[:2])}
    save(tmp_path / "file.npz", **arrays)
    state = weights.read_state(tmp_path / "file.npz")
    assert list(state) == list(arrays)
    for key, array in arrays.items():
        np.testing.assert_array_equal(state[key], array, strict=True)


def test_the_content_decides_the_format_not_the_name(tmp_path):
    arrays = {"a.b": np.arange(6, dtype=np.float32).reshape(2, 3)}
    save_file(arrays, tmp_path / "file.pth")
    np.testing.assert_array_equal(weights.read_state(tmp_path / "file.pth")["a.b"], arrays["a.b"])


# Broken files


@pytest.fixture(params=[*torch_files.NAMES, "safetensors", "npz"])
def genuine(request, tmp_path):
    """The bytes of a good file."""
    if request.param in torch_files.NAMES:
        return (torch_files.HERE / f"{request.param}.pth").read_bytes()
    path = tmp_path / "good"
    arrays = {"a": np.arange(40, dtype=np.float32), "b": np.ones((2, 3), np.float32)}
    if request.param == "npz":
        with path.open("wb") as file:
            np.savez(file, **arrays)
    else:
        save_file(arrays, path)
    return path.read_bytes()


def test_refuses_files_that_are_cut_short(genuine, tmp_path):
    for length in np.linspace(0, len(genuine) - 1, 30).astype(int):
        path = written(tmp_path / "cut", genuine[:length])
        with pytest.raises(ConfigError, match=r"cut'.*must be a state dict"):
            weights.read_state(path)


def test_changed_bytes_are_refused_or_harmless(genuine, tmp_path):
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(80):
        changed = bytearray(genuine)
        changed[rng.integers(len(changed))] = rng.integers(256)
        try:
            weights.read_state(written(tmp_path / "changed", changed))
        except ConfigError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "first bytes are b''"),
        (b"<!DOCTYPE html><html>", "first bytes are b'<!DOCTYP'"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "only points to a file in Git LFS"),
        (pickle.dumps({"a": 1}), "first bytes are"),
    ],
)
def test_refuses_other_files(tmp_path, content, message):
    with pytest.raises(ConfigError, match=message):
        weights.read_state(written(tmp_path / "other", content))


def test_refuses_other_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("photo.png", b"png")
    with pytest.raises(ConfigError, match="zip archive of something else"):
        weights.read_state(tmp_path / "photos.zip")


def test_refuses_a_file_that_goes_on(tmp_path):
    content = (torch_files.HERE / "torch_legacy.pth").read_bytes()
    with pytest.raises(ConfigError, match="goes on after its last storage"):
        weights.read_state(written(tmp_path / "twice", content + content))


# Hostile files: pickles written by hand, in the three places where a pickle can stand


def in_zip(content, storages=None):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
    return file.getvalue()


def start_of_legacy():
    return pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)


def in_legacy(content):
    return start_of_legacy() + pickle.dumps({"little_endian": True}, 2) + content


def in_legacy_facts(content):
    return start_of_legacy() + content


class Calls:
    """Pickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


HOSTILE = {
    "os.system": ("touch", r"posix\.system"),
    "builtins.eval": ("eval", r"builtin\w*\.eval"),
    "builtins.exec": ("exec", r"builtin\w*\.exec"),
    "subprocess": ("popen", r"\.Popen"),
}


def hostile(name, canary, protocol):
    make = f"open({str(canary)!r}, 'w').close()"
    payload = {
        "os.system": Calls(os.system, f"touch {canary}"),
        "builtins.eval": Calls(eval, make),
        "builtins.exec": Calls(exec, make),
        "subprocess": Calls(subprocess.Popen, ["touch", str(canary)]),
    }[name]
    return pickle.dumps({"weight": payload}, protocol)


@pytest.mark.parametrize("container", [in_zip, in_legacy, in_legacy_facts])
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("name", HOSTILE)
def test_code_in_a_file_is_refused_by_name_and_does_not_run(tmp_path, name, protocol, container):
    canary = tmp_path / "canary"
    path = written(tmp_path / "weights.pth", container(hostile(name, canary, protocol)))
    with pytest.raises(ConfigError, match=HOSTILE[name][1]):
        weights.read_state(path)
    assert not canary.exists()


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "builtins.exec"])
def test_the_same_code_runs_in_an_ordinary_unpickler(tmp_path, name):
    canary = tmp_path / "canary"
    pickle.loads(hostile(name, canary, protocol=2))
    assert canary.exists()


def short(text):
    return b"\x8c" + bytes([len(text)]) + text.encode()


REFUSED_PICKLES = {
    "protocol 0": (b"(S'touch canary'\nios\nsystem\n.", "asks for STRING"),
    "instance of protocol 0": (b"(ios\nsystem\n.", r"os\.system"),
    "dots in a name": (
        b"\x80\x04" + short("torch._utils") + short("os.system") + b"\x93.",
        "system",
    ),
    "dots in a name of protocol 2": (b"\x80\x02ctorch._utils\nos.system\n.", "system"),
    "arrays of NumPy": (pickle.dumps({"weight": np.arange(3)}, 2), r"numpy\.\S*_reconstruct"),
    "another function of torch": (b"\x80\x02ctorch.hub\nload\n.", r"torch\.hub\.load"),
    "an attribute": (b"\x80\x02cbuiltins\ngetattr\n.", r"builtins\.getattr"),
    "extension registry": (b"\x80\x02\x82\x01.", "asks for EXT1"),
    "object by class": (b"\x80\x02ccollections\nOrderedDict\n)\x81.", "asks for NEWOBJ"),
    "call of a known class with arguments": (
        b"\x80\x02ccollections\nOrderedDict\n}\x85R.",
        "an object that no state dict holds",
    ),
    "attributes of a known function": (
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}b.",
        "pickle is broken",
    ),
    "attributes through slots": (b"\x80\x02ccollections\nOrderedDict\nN}\x86b.", "broken"),
    "an empty stack": (b"\x80\x02.", "pickle is broken"),
    "no mark": (b"\x80\x02t.", "pickle is broken"),
    "no end": (b"\x80\x02}", "pickle is broken"),
    "a list": (b"\x80\x02].", "holds no state dict but a value of type list"),
    "a number for a key": (b"\x80\x02}K\x01Ns.", "pickle is broken"),
    "an object beside tensors": (
        b"\x80\x02}X\x01\x00\x00\x00aK\x01s.",
        "'a' holds no tensor but a value of type int",
    ),
    "a huge place in the memo": (b"\x80\x02]r\xff\xff\xff\xff.", "holds no state dict"),
    "a huge text": (b"\x80\x02X\xff\xff\xff\x7f.", "pickle is broken"),
    "a huge text of protocol 4": (b"\x80\x04\x8d" + b"\xff" * 7 + b"\x00.", "pickle is broken"),
    "text with an invalid escape": (b"\x80\x02S'\\i'\n.", "asks for STRING"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED_PICKLES.values(), ids=REFUSED_PICKLES)
@pytest.mark.parametrize("container", [in_zip, in_legacy])
def test_refuses_pickles_of_anything_but_tensors(tmp_path, container, content, message):
    # The old format lists its storages after the object: none here.
    content += pickle.dumps([], 2) if container is in_legacy else b""
    path = written(tmp_path / "weights.pth", container(content))
    with pytest.raises(ConfigError, match=message):
        weights.read_state(path)


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def integers(values):
    return b"(" + b"".join(pickle.dumps(value, 2)[2:-1] for value in values) + b"t"


def tensor(offset, shape, strides, count=10, kind="FloatStorage"):
    """A pickle of `{"a": tensor}` as PyTorch writes it."""
    storage = b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text("0") + text("cpu")
    storage += pickle.dumps(count, 2)[2:-1] + b"tQ"
    place = pickle.dumps(offset, 2)[2:-1] + integers(shape) + integers(strides)
    arguments = b"(" + storage + place + b"\x89ccollections\nOrderedDict\n)Rt"
    return b"\x80\x02}" + text("a") + b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"Rs."


def test_pickles_of_tensors_by_hand_are_read(tmp_path):
    numbers = np.arange(10, dtype=np.float32)
    content = in_zip(tensor(1, (2, 3), (4, 2)), {"0": numbers.tobytes()})
    state = weights.read_state(written(tmp_path / "weights.pth", content))
    np.testing.assert_array_equal(state["a"], [[1, 3, 5], [5, 7, 9]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, (11,), (1,)), "'a' reaches beyond its storage '0'"),
        ((1, (10,), (1,)), "reaches beyond"),
        ((0, (2, 2), (9, 1)), "reaches beyond"),
        ((10, (), ()), "reaches beyond"),
        ((0, (2**40,), (0,)), "reaches beyond"),
        ((0, (2**40, 2**40), (0, 0)), "reaches beyond"),
        ((-1, (2,), (1,)), "makes no sense"),
        ((0, (2,), (-1,)), "makes no sense"),
        ((0, (-2,), (1,)), "makes no sense"),
        ((0, (2,), (1, 1)), "makes no sense"),
        ((True, (2,), (1,)), "makes no sense"),
        ((0, (1,) * 40, (1,) * 40), "makes no sense"),
        ((0, (2,), (1,), 11), "has 40 bytes and should have 44"),
        ((0, (2,), (1,), 10, "DoubleStorage"), "has 40 bytes and should have 80"),
        ((0, (2,), (1,), -1), "below zero"),
        ((0, (2,), (1,), 10, "QInt8Storage"), r"torch\.QInt8Storage"),
    ],
)
def test_refuses_tensors_outside_their_storage(tmp_path, arguments, message):
    content = in_zip(tensor(*arguments), {"0": bytes(40)})
    with pytest.raises(ConfigError, match=message):
        weights.read_state(written(tmp_path / "weights.pth", content))


def test_refuses_a_missing_storage_and_one_in_the_other_byte_order(tmp_path):
    path = tmp_path / "weights.pth"
    with pytest.raises(ConfigError, match="storage '0' is missing"):
        weights.read_state(written(path, in_zip(tensor(0, (2,), (1,)))))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", tensor(0, (2,), (1,)))
        archive.writestr("archive/data/0", bytes(40))
        archive.writestr("archive/byteorder", b"big")
    with pytest.raises(ConfigError, match="big-endian"):
        weights.read_state(path)


def test_the_old_format_declares_no_more_than_it_holds(tmp_path):
    keys = pickle.dumps(["0"], 2)
    content = in_legacy(tensor(0, (2,), (1,), 2**50) + keys + struct.pack("<q", 2**50))
    with pytest.raises(ConfigError, match="cut short"):
        weights.read_state(written(tmp_path / "weights.pth", content + bytes(8)))
    content = in_legacy(tensor(0, (2,), (1,)) + keys + struct.pack("<q", 9) + bytes(40))
    with pytest.raises(ConfigError, match="has 9 elements and should have 10"):
        weights.read_state(written(tmp_path / "weights.pth", content))
    for keys in (["0", "1"], ["0", "0"], [], [0], [["0"]], {"0": 1}):
        content = in_legacy(tensor(0, (2,), (1,)) + pickle.dumps(keys, 2))
        with pytest.raises(ConfigError, match="does not match its tensors"):
            weights.read_state(written(tmp_path / "weights.pth", content))


def test_refuses_archives_that_swell(tmp_path):
    path = tmp_path / "bomb"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", tensor(0, (2,), (1,), 10**6))
        archive.writestr("archive/data/0", bytes(4 * 10**6))
    with pytest.raises(ConfigError, match="compressed entries"):
        weights.read_state(path)
    with path.open("wb") as file:
        np.savez_compressed(file, a=np.zeros(10**6))
    with pytest.raises(ConfigError, match="declares 8000128 bytes of data in a file of"):
        weights.read_state(path)


def test_refuses_archives_that_declare_more_than_they_hold(tmp_path):
    changed = bytearray(in_zip(tensor(0, (2,), (1,), 2**29 - 1), {"0": bytes(40)}))
    central = changed.rindex(b"PK\x01\x02")
    sizes = struct.pack("<II", 4 * (2**29 - 1), 4 * (2**29 - 1))
    changed[central + 20 : central + 28] = sizes
    with pytest.raises(ConfigError, match=r"declares 2147483\d+ bytes of data in a file of"):
        weights.read_state(written(tmp_path / "weights.pth", bytes(changed)))


def npy(header, data=b""):
    """An array in NumPy's format with a header of one's own."""
    line = repr(header).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + data


@pytest.mark.parametrize(
    "content",
    [
        npy({"descr": "<f8", "fortran_order": False, "shape": (10**12,)}),
        npy({"descr": "|O", "fortran_order": False, "shape": (1,)}, pickle.dumps([1])),
        npy({"descr": "<f8", "fortran_order": False, "shape": (2,)}, bytes(17)),
        b"no array",
    ],
)
def test_refuses_damaged_arrays(tmp_path, content):
    path = tmp_path / "file.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", content)
    with pytest.raises(ConfigError, match="must be a state dict"):
        weights.read_state(path)


# What a file must hold


def test_says_what_to_download_and_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    default = tmp_path / "weights" / "net.pth"
    for given, named in ((None, default), (tmp_path / "mine.pth", tmp_path / "mine.pth")):
        with pytest.raises(ConfigError) as error:
            weights.locate(given, PUBLISHED)
        message = str(error.value)
        assert message.startswith(f"weights = {str(named)!r}: there is no such file")
        for part in (PUBLISHED.download, str(default), "--weights", "--extractor pixels"):
            assert part in message
    with pytest.raises(ConfigError, match="is not a file"):
        weights.locate(tmp_path, PUBLISHED)
    default.parent.mkdir()
    default.touch()
    assert weights.locate(None, PUBLISHED) == default


GOOD = {"a": np.ones((2, 3), np.float32), "b": np.zeros(4, np.float32)}
SHAPES = {"a": (2, 3), "b": (4,)}


def checked(tmp_path, state):
    return weights.checked(tmp_path / "net.pth", state, SHAPES, PUBLISHED)


def test_expected_weights_come_in_float32(tmp_path):
    state = {"a": GOOD["a"].astype(np.float16), "b": GOOD["b"].astype(np.float64)}
    extra = {"norm.num_batches_tracked": np.array(3)}
    read = checked(tmp_path, state | extra)
    assert list(read) == ["a", "b"]
    assert all(array.dtype == np.float32 for array in read.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": None}, r"net.pth': lacks 'a' of shape \(2, 3\); has 1 keys, 'b' for one"),
        ({"a": np.ones((3, 2), "f4")}, r"'a' has shape \(3, 2\); must be \(2, 3\)"),
        ({"b": np.zeros(4, int)}, "'b' is of int64; must be float32"),
        ({"c": np.ones(5)}, r"holds 'c' of shape \(5,\); must not be there"),
        ({"b": np.array([1, np.nan, 2, np.inf])}, "'b' holds 2 numbers that are not finite"),
        ({"b": np.array([1, 2, 3, 1e300])}, "'b' holds 1 numbers that are not finite"),
    ],
)
def test_names_the_first_key_that_is_wrong(tmp_path, change, message):
    state = {key: array for key, array in (GOOD | change).items() if array is not None}
    with pytest.raises(ConfigError, match=message) as error:
        checked(tmp_path, state)
    assert PUBLISHED.download in str(error.value)


def test_the_fingerprint_follows_content_and_version_alone():
    original = weights.state_fingerprint("1", GOOD)
    assert weights.state_fingerprint("1", dict(reversed(GOOD.items()))) == original
    assert weights.state_fingerprint("2", GOOD) != original
    assert weights.state_fingerprint("1", {"a": GOOD["a"], "c": GOOD["b"]}) != original
    assert weights.state_fingerprint("1", GOOD | {"b": np.ones(4, np.float32)}) != original
