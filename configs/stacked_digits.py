"""stacked_digits."""

from pathlib import Path

from cgan.config import Data, Discriminator, Experiment, Generator, Objective, Optim

CONFIG = Experiment(workdir=Path("runs/stacked_digits"), data=Data("stacked_digits"))
