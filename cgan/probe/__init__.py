"""Probes for mode collapse in training: what is measured of a state, and when it is an alarm."""

from cgan.probe.alarm import CollapseAlarm, Crossing, Limit, limits
from cgan.probe.probe import Look, Probe
from cgan.probe.reals import AT_LEAST, Splits, fixed_splits

__all__ = [
    "AT_LEAST",
    "CollapseAlarm",
    "Crossing",
    "Limit",
    "Look",
    "Probe",
    "Splits",
    "fixed_splits",
    "limits",
]
