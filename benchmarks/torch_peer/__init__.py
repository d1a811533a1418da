"""The same networks and the same training step in PyTorch, to measure ours beside."""
