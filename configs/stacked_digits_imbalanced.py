"""Three digits as one image, 1,000 modes, their shares from 13 % to 0.013 %: rare ones drop first.

Command: make train CONFIG=stacked_digits_imbalanced
Hardware: 2 cores of an AMD EPYC, no GPU.
Time: 2 minutes, compilation and evaluation included.
Expected: not yet measured (n = 26,000: a perfect sampler captures 994 modes and scores 0.020).
"""

from dataclasses import replace
from pathlib import Path

from cgan.config import Data
from configs import stacked_digits

CONFIG = replace(
    stacked_digits.CONFIG,
    workdir=Path("runs/stacked_digits_imbalanced"),
    data=Data("stacked_digits", imbalance=1.0),
)
