"""Where a run's numbers and pictures go: metrics.jsonl, TensorBoard, trackers, a user's own."""

from cgan.sinks.base import Guarded, Sink, Sinks, require_sinks
from cgan.sinks.json_lines import JsonLines
from cgan.sinks.tensorboard import TensorBoard
from cgan.sinks.trackers import About, require_installed, tracking

__all__ = [
    "About",
    "Guarded",
    "JsonLines",
    "Sink",
    "Sinks",
    "TensorBoard",
    "require_installed",
    "require_sinks",
    "tracking",
]
