"""What the experiments on images of 32 pixels and more share; not an experiment itself.

The small convolutional pair, down to a coarsest map of 4 pixels, or that of R3GAN at its
published sizes. Losses, rates and penalties are those that did well on the embedded digits, neither
tuned on these sets nor the paper's: figures are "not yet measured" until they are.
"""

import dataclasses
from pathlib import Path

from cgan.config import (
    Augment,
    Conditioning,
    Data,
    Discriminator,
    Experiment,
    Generator,
    Optim,
    Penalty,
)


def images_experiment(
    name: str, data: Data, resolution: int, width: int = 32, total_nimg: int = 10_000_000
) -> Experiment:
    """An experiment on square images.

    Args:
        name: of the experiment.
        data: the data set.
        resolution: side of its images.
        width: channels at the finest resolution; each halving doubles them.
        total_nimg: training length in images.
    """
    depth = 0
    while resolution % 2 ** (depth + 1) == 0 and resolution >> (depth + 1) >= 4:
        depth += 1
    return Experiment(
        workdir=Path("runs") / name,
        data=data,
        generator=Generator(architecture="conv", latent_dim=128, width=width, depth=depth),
        discriminator=Discriminator(architecture="conv", width=width, depth=depth),
        penalty=Penalty(r1=0.5, r2=0.5),
        augment=Augment(strength=0.0),
        optim=Optim(lr=2e-4, ema_halflife_nimg=500_000),
        batch_size=256,
        total_nimg=total_nimg,
        steps_per_dispatch=10,
        log_nimg=25_600,
        snapshot_nimg=256_000,
        checkpoint_nimg=512_000,
    )


def r3gan_experiment(
    name: str,
    data: Data,
    resolution: int,
    width: int,
    max_width: int,
    group_size: int,
    total_nimg: int,
    micro_batches: int,
    labels: bool = False,
) -> Experiment:
    """An experiment on square images with the pair of R3GAN.

    Args:
        name: of the experiment.
        data: the data set.
        resolution: side of its images.
        width: channels at the finest resolution; each halving doubles them.
        max_width: most channels.
        group_size: channels that are convolved together.
        total_nimg: training length in images.
        micro_batches: for one GPU of 80 GB, by reckoning and not tried. Several devices need fewer,
            and their rows must divide into as many.
        labels: whether the networks see the data's classes.
    """
    return dataclasses.replace(
        images_experiment(name, data, resolution, total_nimg=total_nimg),
        conditioning=Conditioning(labels=True, dimensions=64) if labels else Conditioning(),
        micro_batches=micro_batches,
        generator=Generator(
            architecture="r3gan",
            latent_dim=64,
            width=width,
            depth=2,
            max_width=max_width,
            group_size=group_size,
        ),
        discriminator=Discriminator(
            architecture="r3gan", width=width, depth=2, max_width=max_width, group_size=group_size
        ),
    )


def as_r3gan(
    experiment: Experiment,
    gamma: float,
    ema_share: float,
    probability: float,
    ramp_nimg: int | None = None,
) -> Experiment:
    """The experiment with the schedules of R3GAN (Huang et al. 2024, appendix on hyperparameters).

    Augmentation differs: see docs/augmentation.md.

    Over the ramp the learning rate goes from 2e-4 to 5e-5, beta2 from 0.9 to 0.99, the weight of R1
    and R2 to a tenth, and the half-life of the average and the probability of ADA up from nothing.
    They were tuned for the paper's loss on single pairs.

    Args:
        experiment: one on images.
        gamma: weight of R1 and of R2 at the start.
        ema_share: the last half-life, as a share of the ramp.
        probability: the last one with which ADA's transformations are applied.
        ramp_nimg: the ramp's length in images; None takes the whole training.
    """
    length = ramp_nimg or experiment.total_nimg
    return dataclasses.replace(
        experiment,
        penalty=Penalty(r1=gamma, r2=gamma, final_fraction=0.1),
        augment=Augment(policy="ada", final_probability=probability),
        optim=Optim(
            lr=2e-4,
            final_lr_fraction=0.25,
            beta2=0.9,
            final_beta2=0.99,
            ema_halflife_nimg=0,
            final_ema_halflife_nimg=round(ema_share * length),
        ),
        ramp_nimg=ramp_nimg,
    )
