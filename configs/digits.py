"""digits."""

from pathlib import Path

from cgan.config import Data, Discriminator, Experiment, Generator, Objective, Optim

CONFIG = Experiment(workdir=Path("runs/digits"), data=Data("digits"))
