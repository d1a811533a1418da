"""25 Gaussians on a grid, their shares from 26 % down to 1 %: rare modes drop first.

Command: make train CONFIG=grid25_imbalanced
Hardware: 2 cores of an AMD EPYC, no GPU.
Time: 2 minutes, compilation and evaluation included.
Expected: not yet measured (a perfect sampler scores a reverse KL of 0.005 at n = 2,500).
"""

from dataclasses import replace
from pathlib import Path

from cgan.config import Data
from configs import grid25

CONFIG = replace(
    grid25.CONFIG,
    workdir=Path("runs/grid25_imbalanced"),
    data=Data("grid25", imbalance=1.0),
)
