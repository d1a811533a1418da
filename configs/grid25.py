"""grid25."""

from pathlib import Path

from cgan.config import Data, Experiment

CONFIG = Experiment(workdir=Path("runs/grid25"), data=Data("grid25"))
