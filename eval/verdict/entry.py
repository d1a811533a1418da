"""A verdict as one line of JSON, with all that is needed to repeat or to check it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from eval.json_lines import append_lines
from eval.verdict.judge import Verdict
from eval.verdict.modes import FRACTION, LEVEL
from eval.verdict.words import cautions, sentence

NAMED_AT_MOST = 1_000
"""Most modes of each kind that a line names: the first ones."""


def entry(verdict: Verdict) -> dict[str, Any]:
    """The content of a verdict's line, as JSON can hold it."""
    evidence, tested = verdict.evidence, verdict.tested
    modes, first = evidence.modes, evidence.fidelity
    return {
        "verdict": verdict.kind,
        "exit_code": verdict.exit_code,
        "reason": verdict.reason,
        "sentence": sentence(verdict),
        "cautions": cautions(verdict),
        "n": modes.n,
        "seed": first.seed,
        "checkpoint_nimg": first.checkpoint_nimg,
        "source": first.source,
        "extractor": first.extractor,
        "extractor_fingerprint": first.extractor_fingerprint,
        "labeller": first.labeller,
        "labeller_accuracy": first.labeller_accuracy,
        "reference": first.reference,
        "level": LEVEL,
        "fraction": FRACTION,
        "modes": {
            "kind": modes.kind,
            "covered": int(tested.covered.sum()),
            "dropped": _told(verdict, tested.dropped),
            "undecided": _told(verdict, tested.undecided),
            "not_judged": _told(verdict, ~tested.judged),
            "suspects": _told(verdict, tested.suspects),
            "suspects_share_at_most": tested.suspects_upper,
            "suspects_dropped_together": tested.together,
        },
        "samples_to_decide": verdict.samples_to_decide,
        "evidence": {
            name: {
                "value": record.value,
                "standard_error": record.standard_error,
                "n": record.n,
                "real": record.floor,
                "real_n": record.floor_n,
                "perfect_sampler": record.perfect_sampler,
                "details": record.details,
            }
            for name, record in evidence.generated.items()
        },
    }


def _told(verdict: Verdict, which: Bool[np.ndarray, " modes"]) -> dict[str, Any]:
    """What an entry says of some modes: their number, share of the data, and samples in each."""
    modes, upper = verdict.evidence.modes, verdict.tested.upper
    as_counted = modes.shares_as_counted
    return {
        "count": int(which.sum()),
        "held": modes.held(which),
        "by_name": {
            modes.names[index]: {
                "samples": int(modes.counts[index]),
                "share_at_most": float(upper[index]),
                "true_share": float(modes.true_shares[index]),
                "true_share_as_counted": float(as_counted[index]),
            }
            for index in np.flatnonzero(which)[:NAMED_AT_MOST]
        },
    }


def append_entry(path: Path, verdict: Verdict) -> None:
    """Append the verdict to a file of JSON lines; a `DiskError` where it can't be."""
    append_lines(path, [json.dumps(entry(verdict), allow_nan=False) + "\n"])
