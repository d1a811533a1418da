"""100 Gaussians on a grid with spacing 2, sigma 0.05.

Command: make train CONFIG=grid100
"""

from configs.points import points_experiment

CONFIG = points_experiment("grid100", sigma=0.05 / 5.74)
