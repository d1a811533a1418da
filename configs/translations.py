"""What the translations of photographs share; not an experiment itself.

The residual generator and patch contrast of CUT (Park et al. 2020) at its sizes, with this
project's small convolutional discriminator and game in place of its PatchGAN. The rate is CUT's.
Neither was tuned here: figures are "not yet measured" until they are.
"""

from pathlib import Path

from cgan.config import Data, Discriminator, Experiment, Generator, Optim, Penalty, Translation


def translation_experiment(
    name: str, data: Data, translation: Translation, resolution: int
) -> Experiment:
    """An unpaired translation between two sets of square photographs.

    Args:
        name: of the experiment.
        data: the pictures that translations should look like.
        translation: the pictures to be translated.
        resolution: side of both, in pixels.
    """
    halvings = resolution.bit_length() - 3  # down to 4x4
    return Experiment(
        workdir=Path("runs") / name,
        data=data,
        translation=translation,
        generator=Generator(architecture="resnet", width=64),
        discriminator=Discriminator(architecture="conv", width=16, depth=halvings),
        penalty=Penalty(r1=0.5, r2=0.5),
        optim=Optim(lr=2e-4, ema_halflife_nimg=10_000),
        batch_size=16,
        total_nimg=500_000,
        log_nimg=1_600,
        snapshot_nimg=16_000,
        checkpoint_nimg=32_000,
        probe_nimg=16_000,
    )
