"""A verdict in plain sentences, for the terminal, the report and scripts."""

import numpy as np
from jaxtyping import Bool

from cgan.system.legible import plain
from eval.metrics.birthday import BELOW_REAL, BIRTHDAY
from eval.metrics.quality import WIDTH_RATIO
from eval.records.words import TRUSTED_LABELLER
from eval.verdict.judge import HALF, Verdict, narrow
from eval.verdict.modes import ModeCounts

NAMED_AT_MOST = 10
SINGULAR = {"classes": "class", "modes": "mode", "bins": "bin"}


def sentence(verdict: Verdict) -> str:
    """The verdict in one plain sentence."""
    return {
        "covers": _covers,
        "collapsed": _collapsed,
        "drops": _drops,
        "undecided": _undecided,
        "unrecognisable": _unrecognizable,
    }[verdict.kind](verdict)


def _covers(verdict: Verdict) -> str:
    modes = verdict.evidence.modes
    return (
        f"Covers the data: {many(len(modes.names), modes)}, each with a quarter of its true share "
        "or more."
    )


def _collapsed(verdict: Verdict) -> str:
    if verdict.reason == "repeats":
        found = verdict.evidence.generated[BIRTHDAY.name]
        low, high = (number(value) for value in found.details["interval_95"])
        between = low if low == high else f"{low} to {high}"
        real = number(found.perfect_sampler or 0.0)
        return (
            f"Collapsed: samples repeat each other as if there were {between} different ones, and "
            f"real data as if there were {real}."
        )
    if verdict.reason == "width":
        width = WIDTH_RATIO.text(verdict.evidence.generated[WIDTH_RATIO.name].value or 0.0)
        return f"Collapsed within modes: these are {width} times as wide as they should be."
    return f"Collapsed: drops {_dropped(verdict)}."


def _drops(verdict: Verdict) -> str:
    return f"Drops {_dropped(verdict)}."


def _dropped(verdict: Verdict) -> str:
    """Words for the modes that are dropped, and how much of the data they hold."""
    modes, tested, which = verdict.evidence.modes, verdict.tested, verdict.named
    held = share(modes.held(which))
    words = f"{which.sum():,} of {many(len(modes.names), modes)} with {held} of the data"
    if not tested.together:
        return f"{words}: {names(modes, which)}"
    joint = "together hold" if tested.suspects.sum() > 1 else "holds"
    together = f"{joint} {share(tested.suspects_upper)} of the samples at most"
    if not tested.dropped.any():
        return f"{words}, which {together}: {names(modes, which)}"
    alone = names(modes, tested.dropped)
    others = "others" if tested.suspects.sum() > 1 else "other"
    return f"{words}: {alone}; and {tested.suspects.sum():,} {others}, which {together}"


def _undecided(verdict: Verdict) -> str:
    modes, which, open_ends = verdict.evidence.modes, verdict.tested.undecided, []
    if which.any():
        held = share(modes.held(which))
        open_ends.append(
            f"{modes.n:,} samples don't tell of {which.sum():,} of them, with {held} of the data; "
            f"{verdict.samples_to_decide:,} would tell more"
        )
    if not verdict.tested.judged.all():
        open_ends.append(_not_judged(verdict))
    known = f"none of {many(len(modes.names), modes)} is known to be dropped"
    return f"Undecided: {known}, but {', and '.join(open_ends)}."


def _not_judged(verdict: Verdict) -> str:
    """Words for the classes that the labeller can't tell of; or that there is one bin alone."""
    modes, which = verdict.evidence.modes, ~verdict.tested.judged
    if modes.kind == "bins":
        return "there are too few real samples to tell parts of the data apart"
    held = share(modes.held(which))
    return (
        f"the labeller is too weak to judge {many(int(which.sum()), modes)} with {held} of the "
        f"data: {names(modes, which)}"
    )


def _unrecognizable(verdict: Verdict) -> str:
    found = verdict.evidence.fidelity
    return (
        f"Not recognisable as this data: {share(found.value or 0.0)} of the samples lie where data "
        f"lie (real data: {share(found.floor or 0.0)}), so their modes say nothing."
    )


def cautions(verdict: Verdict) -> list[str]:
    """Sentences for what the verdict alone would hide, one each."""
    told = (_open_modes, _unjudged, _repeats, _narrow, _rarely_recognized, _misread)
    return [words for each in told if (words := each(verdict))]


def _open_modes(verdict: Verdict) -> str:
    which, modes = verdict.tested.undecided, verdict.evidence.modes
    if verdict.kind in ("undecided", "unrecognisable") or not which.any():
        return ""
    open_ones = many(int(which.sum()), modes)
    return f"Undecided: {open_ones}; {verdict.samples_to_decide:,} samples would tell more."


def _unjudged(verdict: Verdict) -> str:
    if verdict.kind in ("undecided", "unrecognisable") or verdict.tested.judged.all():
        return ""
    return f"Not judged: {_not_judged(verdict)}."


def _repeats(verdict: Verdict) -> str:
    """A caution where the support is a hundredth of real data's but this is no collapse yet."""
    found = verdict.evidence.generated[BIRTHDAY.name]
    real = found.perfect_sampler
    if verdict.reason == "repeats" or found.value is None or real is None:
        return ""
    high = found.details["interval_95"][1]
    if high >= real / BELOW_REAL:
        return ""
    return (
        f"Samples repeat each other as if there were {number(high)} different ones at most (real "
        f"data: {number(real)})."
    )


def _narrow(verdict: Verdict) -> str:
    found = verdict.evidence.generated.get(WIDTH_RATIO.name)
    if verdict.reason == "width" or found is None or not narrow(found, HALF):
        return ""
    return f"Modes are {WIDTH_RATIO.text(found.value or 0.0)} times as wide as they should be."


def _rarely_recognized(verdict: Verdict) -> str:
    found = verdict.evidence.fidelity
    value, real = found.value, found.floor
    if verdict.reason == "fidelity" or value is None or real is None or value >= HALF * real:
        return ""
    return f"Only {share(value)} of the samples lie where data lie (real data: {share(real)})."


def _misread(verdict: Verdict) -> str:
    accuracy = verdict.evidence.fidelity.labeller_accuracy
    if accuracy is None or accuracy >= TRUSTED_LABELLER:
        return ""
    return (
        f"The labeller reads only {share(accuracy)} of held-out samples right: shares of classes "
        "are those that it reads, and are held against what it reads of real data."
    )


def many(count: int, modes: ModeCounts) -> str:
    """A number of modes in words, such as `1 class`."""
    return f"{count:,} {modes.kind if count != 1 else SINGULAR[modes.kind]}"


def names(modes: ModeCounts, which: Bool[np.ndarray, " modes"]) -> str:
    """Names of modes, the largest first, as far as there is room."""
    found = np.flatnonzero(which)
    order = found[np.argsort(-modes.true_shares[found], kind="stable")]
    more = f" and {len(order) - NAMED_AT_MOST:,} more" if len(order) > NAMED_AT_MOST else ""
    return ", ".join(plain(modes.names[index]) for index in order[:NAMED_AT_MOST]) + more


def share(value: float) -> str:
    """A share as text in percent, with two digits where it is small."""
    return (
        f"{value:.1%}" if value >= 0.01 or value == 0 else f"{100 * value:.2g} %".replace(" ", "")
    )


def number(value: float) -> str:
    """A number of samples as text: whole, with two digits where it is small."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
