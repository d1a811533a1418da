"""`train.py` with two dispatches in flight, as accelerators have them; for tests on CPUs."""

import train
from cgan import parallel
from cgan.system import cli

if __name__ == "__main__":
    parallel.max_in_flight = lambda devices: 2
    cli.run(train.main)
