"""Services that any program asks of the machine: files, locks, processes, signals, the cache."""
