"""Settings that may change when a run goes on: those that change nothing of what it learns.

What is learnt up to any image depends on the length of training by its schedules alone: what has a
final value reaches it after `ramp_nimg` images, by default at the end. So a run may be trained on
for longer, or end earlier, wherever its schedules stay what they are.
"""

from cgan.config.run_config import RunConfig
from cgan.config.serialize import differences

OF_OUTPUTS = ("log_nimg", "snapshot_nimg", "checkpoint_nimg", "probe_nimg", "alarm.")
"""Settings of what is written, saved and watched for, and how often.

A name that ends in a dot is a section.
"""
OF_LENGTH = ("ramp_nimg", "total_nimg")


def changes_forbidden(old: RunConfig, new: RunConfig) -> dict[str, str]:
    """Changes that keep a run from going on: `{"optim.lr": "is 0.1 there, not 0.2"}`.

    Args:
        old: what it was trained with so far.
        new: what it is to go on with.
    """
    found = differences(old, new)
    forbidden = {
        name: f"is {before!r} there, not {after!r}"
        for name, (before, after) in found.items()
        if not name.startswith(OF_OUTPUTS) and name not in OF_LENGTH
    }
    changed = [name for name in OF_LENGTH if name in found]
    if changed and new.ramped and old.ramp_end_nimg != new.ramp_end_nimg:
        before, after = found[changed[0]]
        forbidden[changed[0]] = (
            f"is {before!r} there, not {after!r}, which moves the schedule of "
            f"{', '.join(new.ramped)}; ramp_nimg = {old.ramp_end_nimg} keeps it"
        )
    return forbidden
