"""Numpy-only recipe for the metric acceptance arrays (no other dependency).

build(spec) -> dict of arrays. `spec` is the "recipe" object stored beside every case in
values.json, so the JSON alone (plus this file) regenerates the arrays.
Only RandomState (frozen MT19937 legacy stream) and elementwise ops are used: no BLAS in the recipe.
sha256() of each array is stored; a mismatch means a different libm/stream, not a wrong metric.
"""

import hashlib

import numpy as np


def sha256(a):
    a = np.ascontiguousarray(a)
    return hashlib.sha256(repr((a.dtype.str, a.shape)).encode() + a.tobytes()).hexdigest()


def _base(rs, n, d):
    """Correlated, anisotropic Gaussian: x_j = (z_j + 0.5 z_{j-1} + 0.25 z_{j-2}) * s_j."""
    z = rs.standard_normal((n, d))
    s = 0.25 + 1.5 * (np.arange(d) + 1.0) / d
    return (z + 0.5 * np.roll(z, 1, axis=1) + 0.25 * np.roll(z, 2, axis=1)) * s


def _mixture(rs, n, d, centers, weights, std):
    c = np.cumsum(np.asarray(weights, float) / np.sum(weights))
    lab = np.searchsorted(c, rs.random_sample(n), side="right").clip(0, len(centers) - 1)
    return centers[lab] + std * rs.standard_normal((n, d)), lab


def features(kind, seed, n_real, n_fake, dim, **p):
    rs = np.random.RandomState(seed)
    out = {}
    if kind == "identical":
        real = _base(rs, n_real, dim)
        fake = real.copy()
    elif kind == "same_dist":
        real = _base(rs, n_real, dim)
        fake = _base(rs, n_fake, dim)
    elif kind == "shifted":
        real = _base(rs, n_real, dim)
        fake = _base(rs, n_fake, dim) + p["shift"]
    elif kind == "scaled":
        real = _base(rs, n_real, dim)
        fake = _base(rs, n_fake, dim) * p["scale"]
    elif kind in ("mode_dropped", "mode_imbalanced"):
        k = p["modes"]
        centers = p["sep"] * rs.standard_normal((k, dim))
        real, lr = _mixture(rs, n_real, dim, centers, np.ones(k), p["std"])
        w = np.ones(k)
        if kind == "mode_dropped":
            w[p["kept"] :] = 0.0
        else:
            w = p["ratio"] ** np.arange(k)
        fake, lf = _mixture(rs, n_fake, dim, centers, w, p["std"])
        out = {
            "centers": centers,
            "real_labels": lr.astype(np.int32),
            "fake_labels": lf.astype(np.int32),
        }
    elif kind == "duplicated":  # fake = few unique rows, each repeated
        real = _base(rs, n_real, dim)
        u = _base(rs, p["unique"], dim)
        fake = u[np.arange(n_fake) % p["unique"]]
    elif kind == "memorised":  # half of fake copies real rows bit for bit
        real = _base(rs, n_real, dim)
        fake = _base(rs, n_fake, dim)
        h = n_fake // 2
        fake[:h] = real[:h]
    elif kind == "rank_deficient":  # N < D
        real = _base(rs, n_real, dim)
        fake = _base(rs, n_fake, dim) * 1.1 + 0.1
    elif kind == "relu_dead":  # Inception-like: non-negative, sparse, some all-zero columns
        real = np.maximum(_base(rs, n_real, dim) - 0.3, 0)
        fake = np.maximum(_base(rs, n_fake, dim) - 0.2, 0)
        real[:, ::8] = 0.0
        fake[:, ::8] = 0.0
    elif kind == "offset":  # large mean, unit spread: float32 cancellation
        real = _base(rs, n_real, dim) + p["offset"]
        fake = _base(rs, n_fake, dim) + p["offset"] + 0.25
    elif kind == "scale_extreme":  # float32 overflow / underflow of squares and cubes
        real = _base(rs, n_real, dim) * p["scale"]
        fake = (_base(rs, n_fake, dim) + 0.25) * p["scale"]
    elif kind == "outlier":  # one far real row
        real = _base(rs, n_real, dim)
        fake = _base(rs, n_fake, dim) + 0.5
        real[0] = p["far"]
    elif kind == "integer_ties":  # few integer levels: exact ties decide < against <=
        real = rs.randint(0, p["levels"], (n_real, dim)).astype(float)
        fake = rs.randint(0, p["levels"], (n_fake, dim)).astype(float)
    elif kind == "nonfinite":  # must raise, not return a number
        real = _base(rs, n_real, dim)
        fake = _base(rs, n_fake, dim)
        fake[p["row"], 0] = np.nan
    else:
        raise ValueError(kind)
    out["real"] = real.astype(np.float32)
    out["fake"] = fake.astype(np.float32)
    return out


def logits(kind, seed, n, classes, **p):
    rs = np.random.RandomState(seed)
    z = rs.standard_normal((n, classes))
    if kind == "random":
        x = z * p["temp"]
    elif kind == "uniform":
        x = np.zeros((n, classes))
    elif kind == "peaked":  # balanced near-one-hot
        x = z * 0.1
        x[np.arange(n), np.arange(n) % classes] += p["gap"]
    elif kind == "collapsed":  # every row the same class
        x = z * 0.1
        x[:, 0] += p["gap"]
    else:
        raise ValueError(kind)
    return {"logits": x.astype(np.float32)}


def images(kind, seed, n, size, **p):
    """uint8 NHWC; integer arithmetic only."""
    rs = np.random.RandomState(seed)
    if kind == "noise":
        x = rs.randint(0, 256, (n, size, size, 3))
    elif kind == "blocky":  # nearest-upsampled low-res pattern + noise, n variants of one base
        b = p["block"]
        g = -(-size // b)
        base = rs.randint(0, 256, (1, g, g, 3))
        var = rs.randint(0, 256, (n, g, g, 3))
        lo = (base * p["mix"] + var * (8 - p["mix"])) // 8
        x = np.repeat(np.repeat(lo, b, 1), b, 2)[:, :size, :size] + rs.randint(
            -8, 9, (n, size, size, 3)
        )
    else:
        raise ValueError(kind)
    return {"images": np.clip(x, 0, 255).astype(np.uint8)}


def histograms(seed, bins, **p):
    """Pairs of discrete distributions (reference, evaluated) for PRD / NDB / JS."""
    rs = np.random.RandomState(seed)
    ref = rs.randint(1, 100, bins).astype(float)
    ev = rs.randint(1, 100, bins).astype(float)
    ev[: p["dropped"]] = 0.0
    return {"ref": ref / ref.sum(), "eval": ev / ev.sum()}


def build(spec):
    s = dict(spec)
    f = s.pop("make")
    return {"features": features, "logits": logits, "images": images, "histograms": histograms}[f](
        **s
    )
