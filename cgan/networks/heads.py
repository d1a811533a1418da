"""The heads of a discriminator: from its last features to its output."""

from typing import NamedTuple

import flax.linen as nn
from jaxtyping import Array, Float

from cgan.networks.conditioning import projection
from cgan.networks.exactness import HIGHEST
from cgan.networks.layers import normalized, on_sphere
from cgan.types import DiscriminatorOutput, Labels


class HeadSpec(NamedTuple):
    """The heads that a discriminator has."""

    score: bool = True
    dimensions: int = 0
    """Dimensions of the embedding; 0 for none."""
    classes: int = 0
    """Number of classes that the score sees; 0 for a score of samples without labels."""


class Heads(nn.Module):
    """The last layer of a discriminator: a linear map for each head.

    It computes in float32, whatever the features come in and the device would rather do: losses see
    differences of scores, which bfloat16 with its 8 binary digits would round away.

    With classes the score has that of the sample's class added. The embedding sees no labels.

    Neither has a bias. Contrastive losses see only differences of scores, so a bias would get
    rounding noise for a gradient, which Adam turns into full steps: another run on every number of
    devices.
    """

    spec: HeadSpec
    spectral_norm: bool = False

    @nn.compact
    def __call__(
        self, features: Float[Array, "n features"], labels: Labels | None, update_stats: bool
    ) -> DiscriminatorOutput:
        features = features.astype("float32")

        def head(outputs: int, name: str) -> Float[Array, "n outputs"]:
            layer = nn.Dense(
                outputs,
                use_bias=False,
                precision=HIGHEST,
                kernel_init=nn.initializers.he_normal(),
                name=name,
            )
            return normalized(layer, self.spectral_norm, update_stats)(features)

        def score() -> Float[Array, " n"]:
            alone = head(1, "score")[:, 0]
            if not self.spec.classes:
                return alone
            of_class = projection(
                features, labels, self.spec.classes, self.spectral_norm, update_stats
            )
            return alone + of_class

        dimensions = self.spec.dimensions
        return DiscriminatorOutput(
            score=score() if self.spec.score else None,
            embedding=on_sphere(head(dimensions, "embedding")) if dimensions else None,
        )
