"""Settings that depend on each other: which combinations of them are refused, and which are not."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unchecked import AROUND, assert_refused, config, default_of, make

CLASSIC = ("nonsaturating", "saturating", "hinge", "least_squares", "wasserstein")
CONV = "{} with {}.architecture = 'conv', which does not use it"
EMBEDDING: dict[str, Any] = {"embedding.weight": 0.5}
MIRRORED: dict[str, Any] = EMBEDDING | {"embedding.game": "mirrored"}
NO_PENALTY: dict[str, Any] = {"penalty.r1": 0.0, "penalty.r2": 0.0}
NO_SCORE: dict[str, Any] = EMBEDDING | NO_PENALTY | {"objective.weight": 0.0}


@pytest.mark.parametrize(
    ("name", "value", "others", "expected"),
    [
        (
            "generator.fourier_features",
            4,
            {"generator.architecture": "conv"},
            CONV.format("0", "generator"),
        ),
        (
            "generator.residual",
            True,
            {"generator.architecture": "conv"},
            CONV.format("False", "generator"),
        ),
        (
            "discriminator.fourier_features",
            4,
            {"discriminator.architecture": "conv"},
            CONV.format("0", "discriminator"),
        ),
        *(
            (
                f"{player}.{name}",
                value,
                {f"{player}.architecture": architecture},
                f"{default!r} with {player}.architecture = {architecture!r}, which does not use it",
            )
            for player, architecture, name, value, default in [
                ("generator", "mlp", "max_width", 64, 512),
                ("generator", "conv", "attention", 8, 0),
                ("generator", "r3gan", "attention", 8, 0),
                ("generator", "r3gan", "residual", True, False),
                ("generator", "sngan", "depth", 2, 3),
                ("generator", "sngan", "expansion", 3, 2),
                ("generator", "stylegan2", "group_size", 8, 16),
                ("discriminator", "mlp", "expansion", 3, 2),
                ("discriminator", "conv", "group_size", 8, 16),
                ("discriminator", "r3gan", "spectral_norm", True, False),
                ("discriminator", "r3gan", "fourier_features", 4, 0),
                ("discriminator", "sngan", "group_size", 8, 16),
                ("discriminator", "stylegan2", "depth", 2, 3),
                ("discriminator", "stylegan2", "spectral_norm", True, False),
            ]
        ),
        *(
            (
                f"{player}.max_width",
                128,
                {f"{player}.architecture": architecture},
                f"at least {player}.width = 256",
            )
            for player in ("generator", "discriminator")
            for architecture in ("r3gan", "sngan", "stylegan2")
        ),
        (
            "generator.group_size",
            24,
            {"generator.architecture": "r3gan", "generator.width": 96},
            "a divisor of generator.max_width times expansion = 1024",
        ),
        (
            "discriminator.group_size",
            12,
            {"discriminator.architecture": "r3gan"},
            "a divisor of discriminator.width times expansion = 512",
        ),
        (
            "generator.group_size",
            12,
            {"generator.architecture": "sngan"},
            "a divisor of generator.width = 256",
        ),
        *(
            (
                f"{player}.fourier_features",
                4,
                {"precision": "bfloat16"},
                "0 with precision = 'bfloat16': its 3 digits are too few for phases",
            )
            for player in ("generator", "discriminator")
        ),
        (
            "penalty.estimator",
            "finite_differences",
            {"precision": "bfloat16", "penalty.r1": 0.5},
            "exact or hutchinson with precision = 'bfloat16', which rounds small steps away",
        ),
        (
            "conditioning.dimensions",
            8,
            {"generator.architecture": "sngan", "conditioning.labels": True},
            "32 with generator.architecture = 'sngan', which does not use it",
        ),
        ("objective.fakes_per_real", 9, {"batch_size": 8}, "at most batch_size = 8"),
        (
            "objective.top_k",
            9,
            {"batch_size": 8},
            "at most K = 8, the fakes that each real is graded against",
        ),
        (
            "objective.top_k",
            3,
            {"objective.fakes_per_real": 2},
            "at most K = 2, the fakes that each real is graded against",
        ),
        (
            "objective.temperature_bounds",
            (0.5, 2.0),
            {"objective.temperature": 3},
            AROUND.format(3),
        ),
        ("objective.weight", 0.0, NO_PENALTY, "more than 0 where embedding.weight is 0"),
        *(
            (
                f"penalty.{name}",
                0.1,
                NO_SCORE,
                "0 with objective.weight = 0, which leaves no score; set penalty.r1, "
                "penalty.r2 and penalty.gradient_penalty to 0",
            )
            for name in ("r1", "r2", "gradient_penalty")
        ),
        ("micro_batches", 6, {"batch_size": 8}, "a divisor of batch_size = 8"),
    ],
)
def test_a_value_that_its_neighbors_rule_out_is_refused(
    name: str, value: Any, others: dict[str, Any], expected: str
) -> None:
    make(others | {"embedding.weight": 1.0})
    assert_refused(others | {name: value}, name, expected)


def test_the_wasserstein_loss_needs_something_that_keeps_the_score_from_steepening() -> None:
    bare = NO_PENALTY | {"objective.loss": "wasserstein"}
    expected = "more than 0 with wasserstein (10 is usual), or spectral_norm, r1 or r2 be on"
    assert_refused(bare, "penalty.gradient_penalty", expected)
    make(bare | {"discriminator.spectral_norm": True})
    for name in ("r1", "r2", "gradient_penalty"):
        make(bare | {f"penalty.{name}": 0.1})


IDLE: list[tuple[str, Any, dict[str, Any], dict[str, Any], str]] = [
    *(
        (name, value, {}, EMBEDDING, "embedding.weight = 0")
        for name, value in {
            "embedding.final_fraction": 0.5,
            "embedding.game": "mirrored",
            "embedding.negatives": "reals",
            "embedding.halves": "covering",
            "embedding.coupling": "two_sided",
            "embedding.graded": False,
            "embedding.tolerance": 1.0,
            "embedding.generator_temperature": 0.5,
            "embedding.dimensions": 8,
            "embedding.temperature": 0.5,
            "embedding.temperature_bounds": (0.05, 0.5),
            "embedding.r1": 0.1,
            "embedding.r2": 0.1,
        }.items()
    ),
    ("embedding.curve", "listwise", {}, MIRRORED, "embedding.weight = 0"),
    (
        "augment.adversarial_steps",
        3,
        {},
        {"augment.adversarial_radius": 0.5},
        "augment.adversarial_radius = 0",
    ),
    ("embedding.curve", "listwise", EMBEDDING, MIRRORED, "embedding.game = 'neighbor'"),
    *(
        (name, value, MIRRORED, EMBEDDING, "embedding.game = 'mirrored'")
        for name, value in {
            "embedding.negatives": "reals",
            "embedding.halves": "covering",
            "embedding.coupling": "two_sided",
            "embedding.graded": False,
            "embedding.tolerance": 1.0,
            "embedding.generator_temperature": 0.5,
        }.items()
    ),
    *(
        (name, value, NO_SCORE, EMBEDDING, "objective.weight = 0")
        for name, value in {
            "objective.loss": "hinge",
            "objective.temperature": 0.5,
            "objective.temperature_bounds": (0.5, 2.0),
        }.items()
    ),
    *(
        (f"alarm.{name}", value, {"probe_nimg": 0}, {}, "probe_nimg = 0")
        for name, value in {
            "captured": 0.3,
            "effective": 0.3,
            "duplicates": 0.3,
            "patience": 5,
            "arm_nimg": 100,
            "score_gap": 1.0,
            "held_out_gap": 1.0,
        }.items()
    ),
    *(
        (f"alarm.{name}", 1.0, NO_SCORE, EMBEDDING, "objective.weight = 0")
        for name in ("score_gap", "held_out_gap")
    ),
    *(
        (
            "penalty.finite_difference",
            0.01,
            {"penalty.estimator": estimator},
            {"penalty.estimator": "finite_differences"},
            f"penalty.estimator = {estimator!r}",
        )
        for estimator in ("exact", "hutchinson")
    ),
    *(
        ("data.imbalance", 1.0, unread, {"data.source": "grid25"}, f"data.source = {source!r}")
        for source, unread in {
            "digits": {"data.source": "digits"},
            "tfds": {"data.source": "tfds", "data.name": "cifar10"},
            "folder": {"data.source": "folder", "data.path": Path("faces")},
        }.items()
    ),
]
"""Settings, where nothing reads them, where something does, and what the message blames."""


@pytest.mark.parametrize(
    ("name", "value"), [("estimator", "hutchinson"), ("estimator", "finite_differences")]
)
def test_an_estimator_without_a_penalty_to_estimate_is_refused(name: str, value: str) -> None:
    settings = {f"penalty.{name}": value}
    assert_idle(NO_PENALTY | settings, f"penalty.{name}", "where all of r1 and r2 are 0")
    for weight in ("penalty.r1", "penalty.r2"):
        make(NO_PENALTY | settings | {weight: 0.1})
    make(NO_PENALTY | EMBEDDING | settings | {"embedding.r1": 0.1})


def assert_idle(settings: dict[str, Any], name: str, blamed: str) -> None:
    """Refused, since the setting is not the default and would do nothing."""
    blamed = blamed if blamed.startswith("where") else f"with {blamed}"
    expected = f"{default_of(name)!r} {blamed}, which does not use it"
    assert_refused(settings, name, expected)


@pytest.mark.parametrize(("name", "value", "unread", "read", "blamed"), IDLE)
def test_a_setting_that_nothing_would_read_is_refused(
    name: str, value: Any, unread: dict[str, Any], read: dict[str, Any], blamed: str
) -> None:
    make(read | {name: value})
    assert_idle(unread | {name: value}, name, blamed)


TEMPERATURES = {"objective.temperature": 0.5, "objective.temperature_bounds": (0.5, 2.0)}
MEETINGS = {
    "objective.normalize": "sum",
    "objective.fakes_per_real": 3,
    "objective.dual": False,
    "objective.hardness": 1.0,
    "objective.top_k": 2,
}


@pytest.mark.parametrize("loss", CLASSIC)
@pytest.mark.parametrize(("name", "value"), (TEMPERATURES | MEETINGS).items())
def test_what_only_curves_use_is_refused_with_a_classic_loss(
    loss: str, name: str, value: Any
) -> None:
    make({name: value})
    settings = {"objective.loss": loss, name: value}
    assert_idle(settings, name, f"objective.loss = {loss!r}")
    if name in MEETINGS:
        make(settings | MIRRORED)  # the embedding's curve uses it
    else:
        assert_idle(settings | EMBEDDING, name, f"objective.loss = {loss!r}")


CANNOT_USE = {
    "softmax": [],
    "pairwise": ["objective.normalize"],
    "average": ["objective.normalize"],
    "hardest": ["objective.normalize", "objective.hardness", "objective.top_k"],
    "listwise": ["objective.hardness"],
}


@pytest.mark.parametrize("curve", CANNOT_USE)
@pytest.mark.parametrize(("name", "value"), MEETINGS.items())
def test_what_a_curve_cannot_use_is_refused_with_it_on_either_head(
    curve: str, name: str, value: Any
) -> None:
    on_score = {"objective.loss": curve, name: value}
    on_embedding = MIRRORED | {"embedding.curve": curve, name: value}
    on_embedding_alone = NO_SCORE | on_embedding
    for settings in (on_score, on_embedding, on_embedding_alone):
        if name in CANNOT_USE[curve]:
            head = "objective.loss" if settings is on_score else "embedding.curve"
            assert_idle(settings, name, f"{head} = {curve!r}")
        else:
            make(settings)


@pytest.mark.parametrize("one", ["objective.fakes_per_real", "objective.top_k"])
@pytest.mark.parametrize(("name", "value"), [("normalize", "sum"), ("hardness", 1.0)])
def test_what_does_nothing_against_one_fake_is_refused(one: str, name: str, value: Any) -> None:
    settings = {f"objective.{name}": value}
    make(settings | {one: 2})
    assert_idle(settings | {one: 1}, f"objective.{name}", "where a real is graded against one fake")


@pytest.mark.parametrize(("name", "value"), MEETINGS.items())
def test_how_reals_meet_fakes_is_nothing_to_the_neighbor_game(name: str, value: Any) -> None:
    """Beside a curve on the score it is that curve's; with none it is nobody's."""
    make(EMBEDDING | {name: value})
    for without_curve in ({"objective.loss": "hinge"}, NO_SCORE):
        assert_idle(EMBEDDING | without_curve | {name: value}, name, BLAMED)


BLAMED = "embedding.game = 'neighbor'"
TWO_SIDED: dict[str, Any] = EMBEDDING | {"embedding.coupling": "two_sided"}


def test_a_two_sided_coupling_has_no_halves_and_couples_the_whole_batch() -> None:
    make(TWO_SIDED)
    halves = TWO_SIDED | {"embedding.halves": "covering"}
    assert_idle(halves, "embedding.halves", "embedding.coupling = 'two_sided'")
    tolerant = TWO_SIDED | {"embedding.tolerance": 1.0}
    make(tolerant)
    blamed = "embedding.coupling = 'two_sided' and embedding.graded = False"
    assert_idle(tolerant | {"embedding.graded": False}, "embedding.tolerance", blamed)
    same = TWO_SIDED | {"conditioning.labels": True, "conditioning.compare": "same_class"}
    assert_refused(same, "conditioning.compare", f"'all' {TWO}, which couples the whole batch")


TWO = "with embedding.coupling = 'two_sided'"


def test_the_neighbor_game_needs_two_rows_to_compare() -> None:
    make(MIRRORED | {"batch_size": 1})
    make({"batch_size": 1})
    make(EMBEDDING | {"batch_size": 2})
    expected = "2 or more with embedding.game = 'neighbor', which compares a sample with others"
    assert_refused(EMBEDDING | {"batch_size": 1}, "batch_size", expected)


BANKED: dict[str, Any] = EMBEDDING | {"bank.size": 128}
REPLAYED: dict[str, Any] = {"bank.size": 128, "bank.of": "samples"}
MEETS_ALL = "with bank.size = 128"


@pytest.mark.parametrize(
    ("name", "value", "refused", "accepted", "expected"),
    [
        (
            "bank.of",
            "embeddings",
            {"bank.size": 64},
            EMBEDDING | {"bank.size": 64},
            "'samples' with embedding.weight = 0, which leaves no embeddings",
        ),
        (
            "bank.of",
            "samples",
            NO_SCORE | {"bank.size": 64},
            EMBEDDING | {"bank.size": 64},
            "'embeddings' with objective.weight = 0, which leaves no scores",
        ),
        (
            "bank.of",
            "samples",
            {"bank.size": 64, "augment.adversarial_radius": 0.1},
            {"bank.size": 64},
            "'embeddings' with augment.adversarial_radius > 0, which would move all fakes but "
            "those of the bank",
        ),
        *(
            (
                "objective.normalize",
                "sum",
                settings,
                BANKED,
                f"'mean' {MEETS_ALL}: a sum would grow while the bank fills",
            )
            for settings in (REPLAYED, BANKED | MIRRORED)
        ),
        *(
            (
                "objective.fakes_per_real",
                3,
                settings,
                BANKED,
                f"None {MEETS_ALL}, since a real meets all that it is given of the bank",
            )
            for settings in (REPLAYED, BANKED | MIRRORED)
        ),
        (
            "bank.size",
            192,
            EMBEDDING | {"data.limit": 256},
            EMBEDDING | {"data.limit": 257},
            "at most 128 with data.limit = 256 and batch_size = 64: in a longer bank a real would "
            "meet itself as it was in the last epoch",
        ),
        (
            "bank.size",
            64,
            EMBEDDING | {"data.limit": 64, "embedding.negatives": "reals"},
            EMBEDDING | {"data.limit": 64, "embedding.negatives": "fakes"},
            "at most 0 with data.limit = 64 and batch_size = 64: in a longer bank a real would "
            "meet itself as it was in the last epoch",
        ),
    ],
)
def test_a_bank_fits_the_batch_the_heads_the_curves_and_the_data(
    name: str, value: Any, refused: dict[str, Any], accepted: dict[str, Any], expected: str
) -> None:
    make(accepted | {name: value})
    assert_refused(refused | {name: value}, name, expected)


def test_a_bank_of_fakes_may_be_longer_than_the_data() -> None:
    make(REPLAYED | {"data.limit": 64})
    make(BANKED | MIRRORED | {"data.limit": 64})


CLIENTS: dict[str, Any] = {"federated.clients": 4}
WITH_CLIENTS = "with federated.clients = 4"
ISOLATED: dict[str, Any] = CLIENTS | {"federated.local_steps": 0, "probe_nimg": 0}


@pytest.mark.parametrize(
    ("name", "value", "others", "expected"),
    [
        ("batch_size", 62, {}, "a multiple of federated.clients = 4; the nearest is 60 or 64"),
        ("batch_size", 3, {}, "a multiple of federated.clients = 4; the nearest is 4"),
        ("micro_batches", 2, {}, f"1 {WITH_CLIENTS}, each of which takes its rows at once"),
        (
            "augment.target",
            0.6,
            {"augment.policy": "ada", "augment.probability": 0.1},
            f"None {WITH_CLIENTS}, whose signs of scores would have to be shared at each step",
        ),
        ("bank.of", "samples", {"bank.size": 64}, f"'embeddings' {WITH_CLIENTS}, which exchange"),
        ("init_from", Path("runs/a"), {}, f"None {WITH_CLIENTS}, which start afresh"),
        ("prior.pre", Path("runs/a"), {"prior.mu": 1.0}, f"None {WITH_CLIENTS}, which start"),
        ("prior.par", Path("runs/a"), {"prior.lam": 1.0}, f"None {WITH_CLIENTS}, which start"),
        (
            "objective.fakes_per_real",
            17,
            {},
            "at most 16, a client's share of batch_size = 64",
        ),
        (
            "objective.top_k",
            17,
            {"objective.loss": "listwise"},
            "at most K = 16, the fakes that each real is graded against",
        ),
        (
            "batch_size",
            4,
            EMBEDDING,
            "8 or more, 2 a client with embedding.game = 'neighbor', which compares a sample with "
            "others",
        ),
        (
            "federated.alpha",
            0.5,
            CLIENTS | {"federated.classes": 2},
            "None with federated.classes = 2, which decides the shards",
        ),
    ],
)
def test_clients_are_refused_beside_what_they_do_not_do(
    name: str, value: Any, others: dict[str, Any], expected: str
) -> None:
    make(others if name == "federated.alpha" else others | {name: value})
    start = re.escape(f"{name} = {str(value) if isinstance(value, Path) else value!r}: must be ")
    with pytest.raises(config.ConfigError, match=f"^{start}{re.escape(expected)}"):
        make(others | CLIENTS | {name: value})


def test_clients_that_never_average_have_nothing_to_drop_out_of_or_to_probe() -> None:
    make(ISOLATED)
    expected = "0 with federated.local_steps = 0, without an average to drop out of"
    assert_refused(ISOLATED | {"federated.dropout": 0.5}, "federated.dropout", expected)
    expected = "0 with federated.local_steps = 0, without an average to be probed"
    assert_refused(ISOLATED | {"probe_nimg": 64}, "probe_nimg", expected)
