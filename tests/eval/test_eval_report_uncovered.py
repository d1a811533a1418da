"""The report's section of reals without a near fake: what a trained run's embedding says."""

import dataclasses
from pathlib import Path

import jax
import numpy as np
import pytest

from cgan.config import Augment, Data, Discriminator, Embedding, Experiment, Generator
from cgan.data.digits import load_digits
from cgan.probe.columns import UNCOVERED
from cgan.sampling.embeddings import embed
from cgan.sampling.runs import draw_samples, load_run, restore_run
from cgan.training import loop
from eval.dataset.protocol import UNLABELED, Evaluation
from eval.dataset.reference import chunks_of, load_reference
from eval.extractors.pixels import Pixels
from eval.extractors.reader import Reader
from eval.gather import Wanted, gather
from eval.report.contents import Contents, read_metrics
from eval.report.near_fakes import Agreement, agreement, find_near_fakes
from eval.report.uncovered import uncovered
from eval.splits import Splits
from eval.verdict.judge import Evidence, Verdict
from eval.verdict.modes import ModeCounts, examine
from tests.eval.commands import exit_code


def settings(root: Path, source: str, **more) -> Experiment:
    return Experiment(
        workdir=root,
        data=Data(source),
        generator=Generator(width=8, depth=1),
        discriminator=Discriminator(width=8, depth=1),
        embedding=Embedding(0.1, dimensions=8),
        augment=Augment(0.1),
        batch_size=64,
        total_nimg=256,
        log_nimg=128,
        snapshot_nimg=256,
        checkpoint_nimg=256,
        probe_nimg=128,
        **more,
    )


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = settings(tmp_path_factory.mktemp("runs") / "digits", "digits")
    loop.train(config, jax.devices()[:1])
    return config.workdir


@pytest.fixture(scope="module")
def digits():
    splits = Splits(load_digits("train"), load_digits("test"))
    rows = np.random.default_rng(0).permutation(len(splits.train))
    reader = Reader(Pixels())
    reference = load_reference("digits", reader, lambda: chunks_of(splits.train, rows))
    return Evaluation(splits, reader, reference, rows, UNLABELED)


def found_in(run, evaluation, images):
    needs = frozenset({"features", "images"})
    (generated,) = gather([images], evaluation.reader, [Wanted(None, needs)])
    return find_near_fakes(run, 256, evaluation, generated, 3, None)


def test_probes_in_training_have_the_share(run):
    shares = [row[UNCOVERED] for row in read_metrics(run / "metrics.jsonl") if UNCOVERED in row]
    assert len(shares) == 2
    assert all(0 <= share <= 1 for share in shares)


def test_numbers_and_neighbours_are_those_of_the_runs_embedding(run, digits):
    images = draw_samples(load_run(run), 200, seed=0)
    found = found_in(run, digits, images)
    assert (found.reals, found.fakes, found.temperature) == (1437, 180, pytest.approx(0.1))
    assert found.share == len(found.rows) / 1437
    restored, train = restore_run(run), digits.splits.train
    reals, fakes = (embed(restored, x) for x in (train.images, images[:180]))

    def log_mean(cosines):
        return np.log(np.mean(np.exp(cosines.astype(np.float64) / 0.1)))

    assert len(found.worst) == min(16, len(found.rows)) > 0
    margins = [each.margin for each in found.worst]
    assert margins == sorted(margins, reverse=True)
    for each, row in zip(found.worst, found.rows, strict=False):
        assert each.row == row
        assert each.label == train.class_names[train.labels[row]]
        np.testing.assert_array_equal(each.real, train.images[row])
        to_reals, to_fakes = np.delete(reals @ reals[row], row), fakes @ reals[row]
        expected = log_mean(to_reals) - log_mean(to_fakes)
        assert each.margin == pytest.approx(expected, abs=1e-3)
        assert each.margin > found.bound
        assert each.real_cosine == pytest.approx(to_reals.max(), abs=1e-5)
        assert each.fake_cosine == pytest.approx(to_fakes.max(), abs=1e-5)
        np.testing.assert_array_equal(each.nearest_fake, images[to_fakes.argmax()])
    counts = np.bincount(train.labels[found.rows], minlength=10)
    np.testing.assert_array_equal(found.classes.uncovered, counts)
    np.testing.assert_array_equal(found.classes.seen, np.bincount(train.labels))


def test_fakes_that_are_reals_leave_fewer_uncovered_than_one_fake_in_all_places(run, digits):
    held_out = digits.splits.held_out.images
    perfect = found_in(run, digits, held_out)
    collapsed = found_in(run, digits, np.repeat(held_out[:1], 300, axis=0))
    assert perfect.share < 0.1 < 0.3 < collapsed.share


def verdict_of(dropped, counts, reason="shares"):
    """A verdict on ten equal classes, of which these are dropped."""
    names, labels, shares = list("0123456789"), np.arange(10), np.full(10, 0.1)
    modes = ModeCounts("classes", names, labels, shares, np.array(counts), 1_000)
    tested, named = examine(modes, 0), np.isin(labels, dropped)
    return Verdict("drops", reason, Evidence(modes, modes, {}, {}), tested, tested, named, None)


def test_agreement_counts_classes_and_weighs_their_samples(run, digits):
    found = found_in(run, digits, draw_samples(load_run(run), 200, seed=0))
    classes = found.classes._replace(
        seen=np.full(10, 100), uncovered=np.array([80, 60, 40, 30, 0, 0, 0, 0, 0, 0])
    )
    found = found._replace(classes=classes)
    verdict = verdict_of([1, 2, 9], [0, 20, 5, 140, 140, 140, 140, 140, 140, 135])
    told = agreement(found, verdict)
    assert isinstance(told, Agreement)
    assert (int(told.unseen.sum()), told.both, told.likeliest) == (2, 1, 2)
    assert told.held == pytest.approx((20 / 200, 980 / 800))
    assert agreement(found._replace(classes=None), verdict) is None
    assert agreement(found, verdict_of([1], [100] * 10, "fidelity")) is None


ARGUMENTS = ("--n", "300", "--metrics", "modes_captured_at_1")


def test_the_page_of_points_shows_them(tmp_path):
    config = settings(tmp_path / "ring", "ring8")
    loop.train(config, jax.devices()[:1])
    assert exit_code("report", config.workdir, *ARGUMENTS) == 0
    page = (config.workdir / "report.html").read_text()
    part, _, _ = page[page.index("<h2>Reals without a near fake") :].partition("</section>")
    assert "of 4,000 train points have no near fake" in part
    assert "of 300 fakes" in part
    assert part.count("data:image/png;base64") == 1


@pytest.mark.slow
def test_a_run_without_an_embedding_has_no_such_section(tmp_path):
    config = settings(tmp_path / "plain", "ring8")
    config = dataclasses.replace(config, embedding=Embedding())
    loop.train(config, jax.devices()[:1])
    assert exit_code("report", config.workdir, *ARGUMENTS) == 0
    assert "near fake" not in (config.workdir / "report.html").read_text()


def test_the_section_of_images_names_classes_and_shows_the_worst(run, digits):
    found = found_in(run, digits, np.repeat(digits.splits.held_out.images[:1], 300, axis=0))
    nothing = Contents(**dict.fromkeys(Contents._fields))._replace(evaluation=digits)
    text = uncovered(nothing._replace(near_fakes=found))
    assert f"{found.share:.1%} of 1,437 train images have no near fake" in text
    assert text.count('<div class="beside">') == 16
    named = int(found.classes.nobody_imitates.sum())
    assert f"Nobody imitates {named} of 10 classes" in text
    assert text.count("<td>yes</td>") == named > 0
    assert f"#{found.rows[0]:,}, " in text
    assert uncovered(nothing) == ""
