"""Small files written by PyTorch: torch_zip.pth, torch_legacy.pth and torch_protocol4.pth.

    python tests/eval/reference/torch_files.py

made them with torch 2.13.0. Reading them needs no PyTorch.
"""

import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
NAMES = ("torch_zip", "torch_legacy", "torch_protocol4")


def arrays():
    """What the files hold."""
    base = np.arange(24, dtype=np.float32).reshape(4, 6) / 8
    return {
        "base": base,
        "transposed": base.T,
        "slice": base[1:3, 2:5],
        "every_other": base[:, ::2],
        "parameter": np.array([1.5, -2.5], np.float32),
        "float64": np.array([1e300, -1e-300]),
        "float16": np.array([[0.5], [65504.0]], np.float16),
        "int64": np.array([-(2**62), 7]),
        "uint8": np.array([0, 255], np.uint8),
        "bool": np.array([True, False, True]),
        "scalar": np.array(7, np.int64),
        "empty": np.empty((0, 3), np.float32),
    }


BFLOAT16 = np.array([1.0, -0.15625, 3.0e38], np.float32)
"""The key `bfloat16`, rounded to eight bits of significand."""


def main():
    import collections

    import torch

    state = collections.OrderedDict()
    for key, array in arrays().items():
        state[key] = torch.from_numpy(np.array(array))
    base = state["base"]
    state |= {"transposed": base.T, "slice": base[1:3, 2:5], "every_other": base[:, ::2]}
    state["parameter"] = torch.nn.Parameter(state["parameter"])
    state["bfloat16"] = torch.from_numpy(BFLOAT16).to(torch.bfloat16)
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    options = ({}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4})
    for name, option in zip(NAMES, options, strict=True):
        torch.save(state, HERE / f"{name}.pth", **option)


if __name__ == "__main__":
    main()
