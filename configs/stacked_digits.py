"""stacked_digits."""

from pathlib import Path

from cgan.config import Data, Experiment

CONFIG = Experiment(workdir=Path("runs/stacked_digits"), data=Data("stacked_digits"))
