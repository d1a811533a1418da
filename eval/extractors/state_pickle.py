"""The pickle inside a PyTorch file, read as data: nothing in it is imported, looked up or called.

A pickle is a small program for a stack machine. Those that `torch.save` writes for a state dict use
few of its instructions and name few globals. This machine knows only these, and turns each into
plain data; whatever else a file asks for is refused before it happens. So there is no object whose
methods a file could reach, and no memory beyond what the file itself fills.
"""

import io
import pickletools
import warnings
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np


class DamagedFile(ValueError):
    """A file is of another kind, broken or hostile; the message says what was found."""


class Global(NamedTuple):
    """A name that a pickle mentions; never resolved."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Storage(NamedTuple):
    """A row of numbers that lies elsewhere in the file."""

    key: str
    dtype: np.dtype
    elements: int


class View(NamedTuple):
    """A tensor as a view of a storage, not yet checked; offset and strides count elements."""

    storage: Storage
    offset: Any
    shape: Any
    strides: Any


class Pickled(NamedTuple):
    """The content of a pickle: its value, and the storages that it mentions."""

    value: Any
    storages: dict[str, Storage]
    """Storages by key, in the order of their first mention."""


STORAGE_TYPES = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype(jnp.bfloat16),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}
ORDERED_DICT = Global("collections", "OrderedDict")
TENSOR = Global("torch._utils", "_rebuild_tensor_v2")
PARAMETER = Global("torch._utils", "_rebuild_parameter")
KNOWN = {ORDERED_DICT, TENSOR, PARAMETER, *(Global("torch", name) for name in STORAGE_TYPES)}

PUSHES_ARGUMENT = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "BINUNICODE", "SHORT_BINUNICODE",
}  # fmt: skip
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


def read_pickle(file: io.BytesIO) -> Pickled:
    """Read one pickle, and leave the file behind it.

    The file is in memory: one on disk would make room for whatever length a pickle declares.

    Raises:
        DamagedFile: no pickle, a broken one, or one that needs more than state dicts do. The
            message names the first global that was refused.
    """
    machine = _Machine()
    try:
        with warnings.catch_warnings():
            # Of odd text in instructions that are refused as soon as they have been read.
            warnings.simplefilter("ignore", DeprecationWarning)
            for opcode, argument, _ in pickletools.genops(file):
                if opcode.name == "STOP":
                    return Pickled(machine.stack.pop(), machine.storages)
                machine.step(opcode.name, argument)
    except DamagedFile:
        raise
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise DamagedFile(f"its pickle is broken ({type(error).__name__})") from error
    raise DamagedFile("its pickle has no end")


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def step(self, name: str, argument: Any) -> None:
        """Execute one instruction. Broken programs raise what the operations on the stack raise."""
        stack = self.stack
        if name in PUSHES_ARGUMENT:
            stack.append(argument)
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in TUPLES:
            stack.append(tuple(self._pop(TUPLES[name])))
        elif name in {"BINPUT", "LONG_BINPUT"}:
            self.memo[argument] = stack[-1]
        elif name in {"BINGET", "LONG_BINGET"}:
            stack.append(self.memo[argument])
        else:
            self._less_common(name, argument)

    def _less_common(self, name: str, argument: Any) -> None:
        stack = self.stack
        match name:
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                stack.append(_MARK)
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "TUPLE":
                stack.append(tuple(self._pop_to_mark()))
            case "APPEND":
                item = stack.pop()
                _of_type(stack[-1], list).append(item)
            case "APPENDS":
                items = self._pop_to_mark()
                _of_type(stack[-1], list).extend(items)
            case "SETITEM":
                pair = self._pop(2)
                _set_items(stack[-1], pair)
            case "SETITEMS":
                pairs = self._pop_to_mark()
                _set_items(stack[-1], pairs)
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "GLOBAL" | "INST":
                stack.append(_known(Global(*argument.split(" ", 1))))
            case "STACK_GLOBAL":
                stack.append(_known(Global(*(_of_type(part, str) for part in self._pop(2)))))
            case "REDUCE":
                function, arguments = self._pop(2)
                stack.append(_result(function, arguments))
            case "BUILD":
                # The version numbers that state dicts carry as an attribute.
                stack.pop()
                _of_type(stack[-1], dict)
            case "BINPERSID":
                stack.append(self._storage(stack.pop()))
            case _:
                raise DamagedFile(f"its pickle asks for {name}, which no state dict needs")

    def _pop(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError
        popped = self.stack[-count:]
        del self.stack[-count:]
        return popped

    def _pop_to_mark(self) -> list[Any]:
        behind = len(self.stack)
        while self.stack[behind - 1] is not _MARK:
            behind -= 1
            if behind == 0:
                raise IndexError
        popped = self.stack[behind:]
        del self.stack[behind - 1 :]
        return popped

    def _storage(self, reference: Any) -> Storage:
        kind, storage_type, key, _, count, *rest = _of_type(reference, tuple)
        whole = rest in ([], [None])
        if kind != "storage" or not whole or _of_type(storage_type, Global).module != "torch":
            raise DamagedFile("it refers to something that is no whole storage of numbers")
        dtype = STORAGE_TYPES[storage_type.name]
        storage = Storage(_of_type(key, str), dtype, _of_type(count, int))
        if storage.elements < 0 or self.storages.setdefault(storage.key, storage) != storage:
            raise DamagedFile(f"its storage {storage.key!r} is declared in two ways, or below zero")
        return storage


def _of_type(value: Any, kind: type) -> Any:
    """The value, if it is of this very type: a bool is no int.

    Raises:
        TypeError: another type.
    """
    if type(value) is not kind:
        raise TypeError
    return value


def _known(name: Global) -> Global:
    if name not in KNOWN:
        raise DamagedFile(f"its pickle asks for {str(name)[:200]!r}, which no state dict needs")
    return name


def _set_items(target: Any, flat: list[Any]) -> None:
    if len(flat) % 2:
        raise ValueError
    pairs = {_of_type(key, str): value for key, value in zip(flat[::2], flat[1::2], strict=True)}
    _of_type(target, dict).update(pairs)


def _result(function: Any, arguments: Any) -> Any:
    """The result of one of the few known functions on these arguments."""
    _of_type(arguments, tuple)
    if function == ORDERED_DICT and not arguments:
        return {}
    if function == TENSOR:
        return View(_of_type(arguments[0], Storage), *arguments[1:4])
    if function == PARAMETER:
        return _of_type(arguments[0], View)
    raise DamagedFile("its pickle makes an object that no state dict holds")
