"""Whose each sample is among clients, and that a client's rows come from its shard alone."""

import dataclasses

import numpy as np
import pytest

from cgan.config import ConfigError, Data, Federated
from cgan.data import load_source
from cgan.data.abilities import content_in, part_shared_out
from cgan.data.client_batches import ClientDispatches
from cgan.data.clients import shards_of

DIGITS = load_source(Data("digits"), "train")
LABELS = np.asarray(content_in(DIGITS).labels)
SHARDS = {
    "alike": Federated(5),
    "two classes each": Federated(5, classes=2),
    "three classes each, two of them twice": Federated(4, classes=3),
    "Dirichlet": Federated(5, alpha=0.3),
}


@pytest.mark.parametrize("name", SHARDS)
def test_each_sample_is_one_clients(name: str) -> None:
    federated = SHARDS[name]
    shards = shards_of(DIGITS, federated, 4)
    np.testing.assert_array_equal(np.sort(np.concatenate(shards.rows)), np.arange(len(DIGITS)))
    assert len(shards.rows) == federated.clients
    for rows, classes in zip(shards.rows, shards.classes, strict=True):
        assert (np.diff(rows) > 0).all()
        np.testing.assert_array_equal(classes, np.bincount(LABELS[rows], minlength=10))
    sizes = [len(rows) for rows in shards.rows]
    np.testing.assert_allclose(shards.shares, np.array(sizes) / len(DIGITS))
    again = shards_of(DIGITS, federated, 4)
    other = shards_of(DIGITS, dataclasses.replace(federated, shard_seed=1), 4)
    assert all(map(np.array_equal, shards.rows, again.rows))
    assert not all(map(np.array_equal, shards.rows, other.rows))


@pytest.mark.parametrize(("clients", "each"), [(5, 2), (4, 3), (2, 10)])
def test_a_client_has_so_many_classes_and_shares_them_evenly(clients: int, each: int) -> None:
    shards = shards_of(DIGITS, Federated(clients, classes=each), 4)
    held = np.array(shards.classes)
    assert ((held > 0).sum(axis=1) == each).all()
    for of_class in held.T:
        assert np.ptp(of_class[of_class > 0]) <= 1


def test_shares_of_classes_have_the_moments_of_dirichlets_law() -> None:
    """Of K clients, 40 seeds, 10 classes: mean 1/K, variance (K - 1) / (K^2 (K alpha + 1))."""
    clients, alpha = 4, 0.5
    found = [
        np.array(shards_of(DIGITS, Federated(clients, alpha=alpha, shard_seed=seed), 0).classes)
        for seed in range(40)
    ]
    shares = np.concatenate([(of / of.sum(axis=0)).T.ravel() for of in found])
    expected = (clients - 1) / (clients**2 * (clients * alpha + 1))
    assert shares.mean() == pytest.approx(1 / clients)
    assert shares.var() == pytest.approx(expected, rel=0.1)
    even = shards_of(DIGITS, Federated(clients, alpha=1e6), 0)
    assert all(np.ptp(of_class) <= 2 for of_class in np.array(even.classes).T)


def test_stacked_digits_are_shared_out_by_the_digit_in_the_first_channel() -> None:
    stacked = load_source(Data("stacked_digits"), "train")
    shards = shards_of(stacked, Federated(5, classes=2), 16)
    labels = np.asarray(content_in(stacked).labels)
    for rows, classes in zip(shards.rows, shards.classes, strict=True):
        digits = np.flatnonzero(classes)
        assert len(digits) == 2
        np.testing.assert_array_equal(np.unique(labels[rows] // 100), digits)
        assert len(np.unique(labels[rows])) == 200
    batch = stacked[np.arange(3)]
    np.testing.assert_array_equal(part_shared_out(stacked, batch.x), batch.x[..., :1])
    np.testing.assert_array_equal(part_shared_out(DIGITS, batch.x), batch.x)
    limited = load_source(Data("stacked_digits", limit=5_000), "train")
    assert len(shards_of(limited, Federated(5, classes=2), 16).classes[0]) == 10


@pytest.mark.parametrize(
    ("federated", "at_least", "expected"),
    [
        (Federated(3, classes=2), 4, r"federated\.classes = 2: must be from 4 to 10 with 3"),
        (Federated(3, classes=11), 4, r"federated\.classes = 11: must be from 4 to 10 with 3"),
        (Federated(8, alpha=1e-3), 16, r"federated\.alpha = 0\.001: .* the 16 samples of a step"),
        (Federated(400), 16, r"federated\.clients = 400: .* client \d+ has \d;"),
    ],
)
def test_shards_that_leave_classes_or_clients_with_nothing_are_refused(
    federated: Federated, at_least: int, expected: str
) -> None:
    with pytest.raises(ConfigError, match=expected):
        shards_of(DIGITS, federated, at_least)


class Labelled:
    """Digits whose batches say which samples they are of, in place of their classes."""

    def __init__(self) -> None:
        self.asked: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(DIGITS)

    def __getitem__(self, indices: np.ndarray):
        self.asked.append(indices)
        return DIGITS[indices]._replace(label=indices)

    def __getattr__(self, name: str):
        return getattr(DIGITS, name)


def test_clients_read_their_own_shards_in_epochs_and_a_process_no_others() -> None:
    shards = shards_of(DIGITS, Federated(4, classes=3), 4).rows
    source, batch, steps = Labelled(), 16, 3
    least = min(map(len, shards))
    count = -(-2 * max(map(len, shards)) // (4 * steps))
    whole = ClientDispatches(source, batch, 7, steps, count, shards=shards)
    drawn = np.concatenate([whole[number].label for number in range(len(whole))])
    for client, shard in enumerate(shards):
        mine = drawn[:, 4 * client : 4 * client + 4].ravel()
        first, second = mine[: len(shard)], mine[len(shard) : 2 * len(shard)]
        np.testing.assert_array_equal(np.sort(first), shard)
        np.testing.assert_array_equal(np.sort(second), shard)
        assert not np.array_equal(first[:least], second[:least])
    source.asked.clear()
    rows = np.arange(4, 12)  # those of clients 1 and 2
    part = dataclasses.replace(whole, rows=rows)[5]
    np.testing.assert_array_equal(part.label, whole[5].label[:, rows])
    np.testing.assert_array_equal(part.x, whole[5].x[:, rows])
    assert np.isin(source.asked[0], np.concatenate(shards[1:3])).all()


def test_flips_are_drawn_anew_for_each_row_on_any_number_of_processes() -> None:
    shards = shards_of(DIGITS, Federated(2), 8).rows
    plain = ClientDispatches(DIGITS, 16, 3, 4, 2, shards=shards)
    flipping = dataclasses.replace(plain, flip=True)
    as_it_is, found = plain[1].x, flipping[1].x
    mirrored = (found != as_it_is).any(axis=(2, 3, 4))
    np.testing.assert_array_equal(found[mirrored], as_it_is[mirrored][:, :, ::-1])
    assert 0.2 < mirrored.mean() < 0.8
    rows = np.arange(8, 16)
    part = dataclasses.replace(flipping, rows=rows)[1].x
    np.testing.assert_array_equal(part, found[:, rows])
