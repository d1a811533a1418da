"""ring8."""

from pathlib import Path

from cgan.config import Data, Experiment

CONFIG = Experiment(workdir=Path("runs/ring8"), data=Data("ring8"))
