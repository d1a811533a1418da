"""One training step in PyTorch: the softmax curve with its dual, exact R1 and R2, Adam, averages.

The step of `cgan/step.py`: one pass of the discriminator over reals and fakes together, its penalty
by double backward at every step, then the generator with fakes of its own, then the average.
"""

import copy
import math
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.torch_peer.networks import computing_in
from cgan.config import Experiment


def game(real: torch.Tensor, fake: torch.Tensor, sign: float) -> torch.Tensor:
    """The loss `log(1 + mean_j exp(-M_j))` and its dual, for `M = sign * (real - fake)`."""
    losses = -sign * (real[:, None] - fake[None, :])
    rows, columns = (
        F.softplus(losses.logsumexp(axis) - math.log(losses.shape[axis])).mean() for axis in (1, 0)
    )
    return (rows + columns) / 2


class Training:
    """Both players, their optimisers and the average; `step` is one step on a batch of reals."""

    def __init__(
        self, config: Experiment, generator: nn.Module, discriminator: nn.Module, compiled: bool
    ) -> None:
        """Begin training with these networks.

        Args:
            config: of the objective, penalties, optimiser and batch.
            generator: latents `[n, latent_dim]` to images `[n, channels, height, width]`.
            discriminator: those to scores `[n]`.
            compiled: `torch.compile` what it can: not what a second backward goes through.
        """
        self.config = config
        self.generator, self.discriminator = generator, discriminator
        self.average = copy.deepcopy(generator).requires_grad_(False)
        optim = config.optim
        self.optimizers = [
            torch.optim.Adam(
                player.parameters(), lr=optim.lr, betas=(optim.beta1, optim.beta2), fused=True
            )
            for player in (generator, discriminator)
        ]
        wrap: Callable = torch.compile if compiled else lambda function: function
        self.draw = wrap(generator)
        self.generator_loss = wrap(self._generator_loss)

    def step(self, reals: torch.Tensor) -> None:
        """Update the discriminator, the generator and the average once, on these reals."""
        for_generator, for_discriminator = self.optimizers
        with torch.no_grad(), self.precision(reals):
            fakes = self.draw(self.latents(reals))
        for_discriminator.zero_grad(set_to_none=True)
        with self.precision(reals):
            loss = self.discriminator_loss(reals, fakes.float())
        loss.backward()
        for_discriminator.step()
        with torch.no_grad(), self.precision(reals):
            scores = self.discriminator(reals)
        for_generator.zero_grad(set_to_none=True)
        self.discriminator.requires_grad_(False)
        with self.precision(reals):
            loss = self.generator_loss(scores, self.latents(reals))
        loss.backward()
        self.discriminator.requires_grad_(True)
        for_generator.step()
        share = 1 - 0.5 ** (len(reals) / self.config.optim.ema_halflife_nimg)
        torch._foreach_lerp_(
            list(self.average.parameters()), list(self.generator.parameters()), share
        )

    def precision(self, like: torch.Tensor) -> torch.autocast:
        """A context for one pass, in the precision that the config asks for."""
        return computing_in(self.config.precision, like.device.type)

    def latents(self, reals: torch.Tensor) -> torch.Tensor:
        """Draw as many latents as there are reals, on their device."""
        generator = self.config.generator
        shape, device = (len(reals), generator.latent_dim), reals.device
        if generator.latent == "uniform":
            return 3**0.5 * (2 * torch.rand(shape, device=device) - 1)
        return torch.randn(shape, device=device)

    def discriminator_loss(self, reals: torch.Tensor, fakes: torch.Tensor) -> torch.Tensor:
        """The discriminator's loss with its gradient penalties, in one pass over both."""
        samples = torch.cat([reals, fakes]).requires_grad_(True)
        scores = self.discriminator(samples)
        (gradients,) = torch.autograd.grad(scores.sum(), samples, create_graph=True)
        squares = gradients.square().flatten(1).sum(1)
        weights = self.config.penalty
        penalty = [
            weight / 2 * half.mean()
            for weight, half in zip((weights.r1, weights.r2), squares.chunk(2), strict=True)
        ]
        real, fake = scores.chunk(2)
        return game(real, fake, 1.0) + sum(penalty)

    def _generator_loss(self, real: torch.Tensor, latents: torch.Tensor) -> torch.Tensor:
        return game(real, self.discriminator(self.generator(latents)), -1.0)
