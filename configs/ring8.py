"""8 Gaussians on a circle of radius 1, sigma 0.01.

Command: make train CONFIG=ring8
"""

from configs.points import points_experiment

CONFIG = points_experiment("ring8", sigma=0.01 / 0.707)
