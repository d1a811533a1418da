"""grid100."""

from pathlib import Path

from cgan.config import Data, Experiment

CONFIG = Experiment(workdir=Path("runs/grid100"), data=Data("grid100"))
