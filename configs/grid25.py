"""25 Gaussians on a grid with spacing 2, sigma 0.05.

Command: make train CONFIG=grid25
"""

from configs.points import points_experiment

CONFIG = points_experiment("grid25", sigma=0.05 / 2.83)
