"""What the two-dimensional experiments share; not an experiment itself.

The generator moulds uniform noise in the plane, `z + f(z)`. The discriminator sees Fourier features
fine enough to tell a point's distance from a mode: frequencies up to 1 / sigma, in the units of
the networks, where the data's spread is 1. The penalties are in units of those modes too. The loss
is the one that did best on grid25 in docs/ablation.md.
"""

from pathlib import Path

from cgan.config import (
    Data,
    Discriminator,
    Experiment,
    Generator,
    Objective,
    Optim,
    Penalty,
    SourceName,
)


def points_experiment(source: SourceName, sigma: float, penalty: float = 2.5) -> Experiment:
    """An experiment on a mixture of Gaussians.

    Args:
        source: the data set.
        sigma: a mode's standard deviation as a share of the whole mixture's.
        penalty: weight of R1 and R2 in units of `sigma ** 2`.
    """
    return Experiment(
        workdir=Path("runs") / source,
        data=Data(source),
        generator=Generator(
            latent_dim=2,
            latent="uniform",
            width=128,
            fourier_features=64,
            max_frequency=10.0,
            residual=True,
        ),
        discriminator=Discriminator(width=128, fourier_features=128, max_frequency=1 / sigma),
        objective=Objective(loss="average"),
        penalty=Penalty(r1=penalty * sigma**2, r2=penalty * sigma**2),
        optim=Optim(lr=4e-3, ema_halflife_nimg=100_000),
        batch_size=256,
        total_nimg=2_048_000,
        steps_per_dispatch=100,
        log_nimg=51_200,
        snapshot_nimg=204_800,
        checkpoint_nimg=204_800,
    )
