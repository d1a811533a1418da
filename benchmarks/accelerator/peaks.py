"""Dense rates that vendors publish for accelerators, by JAX's name for the kind of device."""

import re
from typing import NamedTuple


class Peak(NamedTuple):
    """Published rates of one kind of accelerator, in TFLOP/s, without sparsity."""

    name: str
    bfloat16: float | None
    """Rate of products of bfloat16 with sums in float32; None where there are none."""
    float32: float | None
    """Rate of products in full float32, without TF32; None where the vendor states none."""
    source: str


NVIDIA = "NVIDIA's data sheet of the {}"
GOOGLE = "Google Cloud's page on {}"
PEAKS: tuple[tuple[str, Peak], ...] = (
    (r"B200", Peak("B200", 2250, 75, NVIDIA.format("HGX B200, an eighth"))),
    (r"H200 NVL", Peak("H200 NVL", 835, 60, NVIDIA.format("H200"))),
    (r"H200|GH200", Peak("H200", 989, 67, NVIDIA.format("H200"))),
    (r"H100 PCIe", Peak("H100 PCIe", 756, 51, NVIDIA.format("H100"))),
    (r"H100 NVL", Peak("H100 NVL", 835, 60, NVIDIA.format("H100"))),
    (r"H100", Peak("H100 SXM", 989, 67, NVIDIA.format("H100"))),
    (r"A100", Peak("A100", 312, 19.5, NVIDIA.format("A100"))),
    (r"A10\b", Peak("A10", 125, 31.2, NVIDIA.format("A10"))),
    (r"L40S", Peak("L40S", 362, 91.6, NVIDIA.format("L40S"))),
    (r"L4\b", Peak("L4", 121, 30.3, NVIDIA.format("L4"))),
    (r"V100", Peak("V100", None, 15.7, NVIDIA.format("V100"))),
    (r"T4\b", Peak("T4", None, 8.1, NVIDIA.format("T4"))),
    (r"TPU v6", Peak("TPU v6e", 918, None, GOOGLE.format("TPU v6e"))),
    (r"TPU v5 ?(lite|e)", Peak("TPU v5e", 197, None, GOOGLE.format("TPU v5e"))),
    (r"TPU v5", Peak("TPU v5p", 459, None, GOOGLE.format("TPU v5p"))),
    (r"TPU v4", Peak("TPU v4", 275, None, GOOGLE.format("TPU v4"))),
)
"""Patterns in a device's kind, the narrower ones first, and the rates of what they name."""


def peak_of(device_kind: str) -> Peak | None:
    """The published rates of this kind of device; None for one that is not in the table."""
    return next((peak for pattern, peak in PEAKS if re.search(pattern, device_kind)), None)


def rate(peak: Peak | None, precision: str) -> float | None:
    """The published rate in a precision, in TFLOP/s; None where it is not known."""
    if peak is None:
        return None
    return {"bfloat16": peak.bfloat16, "float32": peak.float32}[precision]
