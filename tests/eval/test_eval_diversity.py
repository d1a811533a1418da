"""Inception score, Vendi score and MS-SSIM against reference values and libraries."""

from itertools import combinations

import numpy as np
import pytest
from reference.cases import FINITE, arrays, names, pair, target
from skimage.metrics import structural_similarity

from eval.metrics.base import FeatureError, Gathered, Inputs
from eval.metrics.inception_score import INCEPTION_SCORE, inception_score
from eval.metrics.ms_ssim import MS_SSIM, ms_ssim, pair_similarities, scales_for, ssim
from eval.metrics.vendi import VENDI, vendi_score

PROTOCOLS = {
    "is_splits1_noshuffle": (1, None),
    "is_splits10_noshuffle": (10, None),
    "is_splits10_shuffle2020": (10, 2020),
}


@pytest.mark.parametrize("name", names("logits"))
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_inception_score_equals_the_reference(name, protocol):
    found = inception_score(arrays(name)["logits"], *PROTOCOLS[protocol])
    assert found == pytest.approx(target(name, protocol)["value"], rel=1e-6, abs=1e-9)


def test_inception_score_needs_a_sample_in_each_split():
    with pytest.raises(FeatureError, match="9 samples; must be at least one for each of 10"):
        inception_score(np.zeros((9, 3)))
    logits = np.zeros((20, 3))
    logits[4] = np.nan
    with pytest.raises(FeatureError, match="row 4"):
        inception_score(logits)
    value = INCEPTION_SCORE.measure(
        Inputs(Gathered(20, logits=np.eye(4).repeat(5, axis=0)), Gathered(0)), 0
    )
    assert 1 <= value.value < 4


@pytest.mark.parametrize("name", FINITE)
@pytest.mark.parametrize(("key", "order"), [("1", 1.0), ("0.5", 0.5), ("2", 2.0), ("inf", np.inf)])
def test_vendi_score_equals_the_reference(name, key, order):
    expected = target(name, f"vendi_q{key}_fake")["value"]
    assert vendi_score(pair(name)[1], order) == pytest.approx(expected, rel=1e-8)


def test_vendi_score_counts_different_directions():
    rows = np.eye(6).repeat(3, axis=0)
    assert vendi_score(rows) == pytest.approx(6)
    assert vendi_score(rows[:, :3][:9]) == pytest.approx(3)
    assert vendi_score(np.ones((7, 3))) == pytest.approx(1)
    value = VENDI.measure(Inputs(Gathered(18, features=rows), Gathered(0)), 0)
    assert value.value == pytest.approx(6)
    with pytest.raises(FeatureError, match="all rows are zero"):
        vendi_score(np.zeros((5, 3)))
    with pytest.raises(FeatureError, match="row 7"):
        vendi_score(pair("nonfinite")[1])


@pytest.mark.parametrize("name", names("images"))
def test_similarities_equal_the_references(name):
    images = arrays(name)["images"]
    i, j = np.array(list(combinations(range(len(images)), 2))).T
    expected = target(name, "ssim_valid_crop")["value"]
    np.testing.assert_allclose(ssim(images[i], images[j]), expected, rtol=1e-9)
    if scales_for(*images.shape[1:3]) == 5:
        expected = target(name, "msssim_valid")["value"]
        np.testing.assert_allclose(ms_ssim(images[i], images[j]), expected, rtol=3e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_equals_scikit_image(channels):
    a, b = np.random.default_rng(0).integers(0, 256, (2, 20, 27, channels), dtype=np.uint8)
    _, full = structural_similarity(
        a, b, channel_axis=-1, data_range=255, full=True,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    expected = full[5:-5, 5:-5].mean()
    assert ssim(a[None], b[None])[0] == pytest.approx(expected, rel=1e-9)


def test_images_of_every_size_have_their_scales():
    assert [scales_for(side, 300) for side in (8, 10, 11, 21, 22, 44, 88, 175, 176)] == [
        0, 0, 1, 1, 2, 3, 4, 4, 5,
    ]  # fmt: skip
    rng = np.random.default_rng(1)
    for side in (11, 22, 45):
        images = rng.integers(0, 256, (6, side, side, 1), dtype=np.uint8)
        found = ms_ssim(images[:3], images[3:], scales_for(side, side))
        assert (found < 0.6).all()
        assert ms_ssim(images, images, scales_for(side, side)) == pytest.approx(1)
    with pytest.raises(FeatureError, match="30 x 30 pixels; 3 scales need at least 44"):
        ms_ssim(images[:, :30, :30], images[:, :30, :30], 3)
    with pytest.raises(FeatureError, match="must be alike"):
        ssim(images[:2], images[:3])


def test_pairs_are_disjoint_and_alike_images_score_high():
    rng = np.random.default_rng(2)
    base = rng.integers(0, 200, (1, 24, 24, 3), dtype=np.uint8)
    alike = (base + rng.integers(0, 20, (70, 24, 24, 3))).astype(np.uint8)
    different = rng.integers(0, 256, (70, 24, 24, 3), dtype=np.uint8)
    found = [
        MS_SSIM[2].measure(Inputs(Gathered(70, images=images), Gathered(0)), 0)
        for images in (alike, different)
    ]
    assert found[0].value > 0.9 > 0.5 > found[1].value
    assert found[0].n == 70
    each = pair_similarities(alike, 2)
    assert len(each) == 35
    assert each[34] == pytest.approx(ms_ssim(alike[68:69], alike[69:70], 2)[0])
