"""8 Gaussians on a circle of radius 1, sigma 0.01.

Command: make train CONFIG=ring8
Hardware: 2 cores of an AMD EPYC, no GPU.
Time: 2 minutes, compilation and evaluation included.
Expected: 8 of 8 modes, 96 % high quality, width 0.99, reverse KL 0.043;
    means of 5 seeds, n = 2,500.
"""

from configs.points import points_experiment

CONFIG = points_experiment("ring8", sigma=0.01 / 0.707)
