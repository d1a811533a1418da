"""What the machine asks of any program: files, locks, processes, signals, terminals, the cache."""
