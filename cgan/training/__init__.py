"""The training loop and what belongs to it: outputs, progress, the collapse watch, ways to stop."""
