"""100 Gaussians on a grid with spacing 2, sigma 0.05.

Command: make train CONFIG=grid100
Hardware: 2 cores of an AMD EPYC, no GPU.
Time: 2 minutes, compilation and evaluation included.
Expected: not yet measured.
"""

from configs.points import points_experiment

CONFIG = points_experiment("grid100", sigma=0.05 / 5.74)
