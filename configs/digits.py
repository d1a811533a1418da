"""digits."""

from pathlib import Path

from cgan.config import Data, Experiment

CONFIG = Experiment(workdir=Path("runs/digits"), data=Data("digits"))
