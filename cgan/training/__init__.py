"""The loop and what belongs to it: outputs, progress, the collapse watch, how a run is stopped."""
