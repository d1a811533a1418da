"""The rate of large products on this chip, beside the one that its vendor publishes."""

from collections.abc import Iterator, Sequence

import jax

from benchmarks.accelerator.part import NOTE, Facts, Measure
from benchmarks.accelerator.peaks import peak_of, rate
from benchmarks.flops import product_rate

SIDE, TINY_SIDE = 16384, 256


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """Measure the rate of large products; a row is a precision."""
    side = TINY_SIDE if tiny else SIDE

    def measure(precision: str) -> Iterator[Facts]:
        facts: Facts = {"side": side, "tflops": product_rate(precision, side=side) / 1e12}
        kind = jax.devices()[0].device_kind
        peak = peak_of(kind)
        published = rate(peak, precision)
        if peak is None or published is None:
            facts[NOTE] = f"no published rate of {kind!r} is known here"
        else:
            facts |= {"sheet_tflops": published, "share": 100 * facts["tflops"] / published}
            facts[NOTE] = f"{peak.name}: {peak.source}"
        yield facts

    return measure
