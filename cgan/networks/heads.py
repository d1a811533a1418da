"""The heads of a discriminator: from its last features to its output."""

from typing import NamedTuple

import flax.linen as nn
from jaxtyping import Array, Float

from cgan.networks.conditioning import projection
from cgan.networks.exactness import HIGHEST
from cgan.networks.layers import normalised, on_sphere
from cgan.types import DiscriminatorOutput, Labels


class HeadSpec(NamedTuple):
    """The heads that a discriminator has."""

    score: bool = True
    dimensions: int = 0
    """Dimensions of the embedding; 0 for none."""
    classes: int = 0
    """Number of classes that the score sees; 0 for a score of samples without labels."""


def discriminator_output(
    features: Float[Array, "n features"],
    labels: Labels | None,
    heads: HeadSpec,
    spectral_norm: bool,
    update_stats: bool,
) -> DiscriminatorOutput:
    """Apply the heads of a discriminator, a linear map each, inside its module.

    It computes in float32, whatever the features come in and the device would rather do: losses see
    differences of scores, which bfloat16 with its 8 binary digits would round away.

    With classes the score has that of the sample's class added. The embedding sees no labels.

    Neither has a bias. Contrastive losses see only differences of scores, so a bias would get
    rounding noise for a gradient, which Adam turns into full steps: another run on every number of
    devices.
    """

    features = features.astype("float32")

    def head(outputs: int, name: str) -> Float[Array, "n outputs"]:
        layer = nn.Dense(
            outputs,
            use_bias=False,
            precision=HIGHEST,
            kernel_init=nn.initializers.he_normal(),
            name=name,
        )
        return normalised(layer, spectral_norm, update_stats)(features)

    def score() -> Float[Array, " n"]:
        alone = head(1, "score")[:, 0]
        if not heads.classes:
            return alone
        return alone + projection(features, labels, heads.classes, spectral_norm, update_stats)

    return DiscriminatorOutput(
        score=score() if heads.score else None,
        embedding=on_sphere(head(heads.dimensions, "embedding")) if heads.dimensions else None,
    )
