"""From samples to records: of a run, or of two sets of samples on disk."""
