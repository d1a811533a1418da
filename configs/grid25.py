"""grid25."""

from pathlib import Path

from cgan.config import Data, Discriminator, Experiment, Generator, Objective, Optim

CONFIG = Experiment(workdir=Path("runs/grid25"), data=Data("grid25"))
