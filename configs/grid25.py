"""25 Gaussians on a grid with spacing 2, sigma 0.05.

Command: make train CONFIG=grid25
Hardware: 2 cores of an AMD EPYC, no GPU.
Time: 2 minutes, compilation and evaluation included.
Expected: 25 of 25 modes, 98 % high quality, width 0.87, reverse KL 0.012;
    means of 5 seeds, n = 2,500.
"""

from configs.points import points_experiment

CONFIG = points_experiment("grid25", sigma=0.05 / 2.83)
