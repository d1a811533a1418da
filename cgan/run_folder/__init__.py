"""A run's folder: where its files lie, its checkpoints, its metrics, what it knows of its data."""
