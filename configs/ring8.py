"""ring8."""

from pathlib import Path

from cgan.config import Data, Discriminator, Experiment, Generator, Objective, Optim

CONFIG = Experiment(workdir=Path("runs/ring8"), data=Data("ring8"))
