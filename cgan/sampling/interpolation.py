"""Walks through latent space that do not leave the distribution of the latents."""

import numpy as np
from jaxtyping import Float


def straight_walks(
    ends: Float[np.ndarray, "ends latent_dim"], steps: int
) -> Float[np.ndarray, "n latent_dim"]:
    """Walk straight between latents, which stays inside the box of uniform latents.

    Args:
        ends: where the walks begin and end, two by two.
        steps: points on each walk, its ends included.

    Returns:
        `[ends / 2 * steps, latent_dim]`, walk by walk.
    """
    share = np.linspace(0, 1, steps, dtype=ends.dtype)[None, :, None]
    walks = (1 - share) * ends[0::2, None] + share * ends[1::2, None]
    return walks.reshape(-1, ends.shape[-1])


def great_circle_walks(
    ends: Float[np.ndarray, "ends latent_dim"], steps: int
) -> Float[np.ndarray, "n latent_dim"]:
    """Walk on great circles, which stays at the radius of normal latents (White 2016, eq. 1).

    Args and returns as for `straight_walks`; ends in line with the origin are walked straight.
    """
    starts, stops = ends[0::2, None], ends[1::2, None]
    norms = np.linalg.norm(starts, axis=-1) * np.linalg.norm(stops, axis=-1)
    cosine = np.einsum("wsd,wsd->ws", starts, stops) / norms
    angle = np.arccos(np.clip(cosine, -1, 1))[..., None]
    share = np.linspace(0, 1, steps, dtype=ends.dtype)[None, :, None]
    sine = np.sin(angle)
    curved = sine > 1e-6
    arc = np.sin((1 - share) * angle) * starts + np.sin(share * angle) * stops
    arc = (arc / np.where(curved, sine, 1)).reshape(-1, ends.shape[-1])
    return np.where(curved.repeat(steps, axis=1).reshape(-1, 1), arc, straight_walks(ends, steps))


WALKS = {"normal": great_circle_walks, "uniform": straight_walks}
"""Functions that walk between latents of each distribution without leaving it."""
