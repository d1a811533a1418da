"""What the neighbour game costs beside relativistic pairing, on the small convolutional pair."""

import dataclasses
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from benchmarks import pairs
from benchmarks.accelerator.compiling import side_by_side
from benchmarks.accelerator.part import Facts, Measure
from benchmarks.flops import step_flops
from benchmarks.harness import Prepared, compile_parts, ratios_of, seconds_in_turns
from benchmarks.neighbor_step import PAIRING, columns, memory
from cgan.assemble import assemble_on

STRENGTH = 0.3
BATCH, STEPS, ROUNDS = 256, 10, 10


def prepare(rows: Sequence[str], tiny: bool) -> Measure:
    """Compile pairing's step and those of the forms side by side."""
    pair = pairs.conv(side=8, batch_size=4, width=8) if tiny else pairs.conv(batch_size=BATCH)
    steps, rounds = (1, 1) if tiny else (STEPS, ROUNDS)
    base = dataclasses.replace(pair.config, precision="bfloat16", steps_per_dispatch=steps)
    configs = columns(base, STRENGTH)

    def compiled(name: str) -> tuple[Prepared, int]:
        step = compile_parts(assemble_on(configs[name], pair.source))
        return step, step_flops(step)

    made = side_by_side({name: partial(compiled, name) for name in (PAIRING, *rows)})

    def measure(row: str) -> Iterator[Facts]:
        (pairing, of_pairing), (form, of_form) = made[PAIRING].result(), made[row].result()
        seconds = seconds_in_turns({PAIRING: pairing, row: form}, rounds)
        yield {
            "time": ratios_of(seconds, PAIRING)[row],
            "memory": memory(form) / memory(pairing),
            "products": of_form / of_pairing,
            "pairing_ms": 1e3 * float(np.median(seconds[PAIRING])) / steps,
        }

    return measure
