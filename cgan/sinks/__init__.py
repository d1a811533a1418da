"""Where a run's numbers and pictures go: metrics.jsonl, TensorBoard, trackers, a user's own."""

from cgan.sinks.base import Guarded, Sink, Sinks, failed
from cgan.sinks.json_lines import JsonLines
from cgan.sinks.tensorboard import TensorBoard
from cgan.sinks.trackers import About, open_tracker, require_installed

__all__ = [
    "About",
    "Guarded",
    "JsonLines",
    "Sink",
    "Sinks",
    "TensorBoard",
    "failed",
    "open_tracker",
    "require_installed",
]
