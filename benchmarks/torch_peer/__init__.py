"""The project's networks and training step written in PyTorch, to be timed beside JAX's."""
