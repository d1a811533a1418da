"""Unpaired translation: how much patch contrast, pretexts, the neighbour game, few pictures.

scikit-learn's digits to 50, 200 or 1,000 of MNIST's, each in its box. Both weights of the patch
contrast are multiplied together; at 0 the discriminator alone decides what a picture becomes.
Jigsaws are an arm twice: of the target's few pictures for the discriminator, and of those that are
given, of which there are enough, for the generator's encoder.
"""

from cgan.config import Discriminator, Experiment, Generator, Pretext, Pretraining
from eval.study.declare import Benchmark, Change, Figure, Study, Variant, change
from eval.study.donor import Donor, pretraining_of, start_from

FRECHET = Figure("frechet_distance", "Frechet distance", "{:.1f}", n=1_000)
CONTENT = Figure("content_kept", "content kept", n=1_000, more_is_better=True)
COVERAGE = Figure("coverage_k5_strict", "coverage", n=1_000, more_is_better=True)
FIGURES = (FRECHET, CONTENT, COVERAGE)
"""Figures of 1,000 translations, one of each held-out picture that is given."""
NONE, USUAL = "no patch contrast", "weight 1"
GAME = "weight 1, neighbour game"
JIGSAW, OF_ENCODER = "weight 1, jigsaw pretext of D", "weight 1, jigsaw pretext of G's encoder"
SHARE = 1 / 6
"""Share of all images that a pretraining sees."""


def weighted(weight: float) -> Change:
    """Both weights of the patch contrast."""
    return change(translation={"patch_weight": weight, "identity_weight": weight})


def jigsaws(config: Experiment) -> Pretraining:
    """A pretraining of the run's discriminator by jigsaws of the target's pictures."""
    return pretraining_of(config, Pretext("jigsaw"), generator=Generator())


def jigsaws_of_encoder(config: Experiment) -> Pretraining:
    """A pretraining of the generator's encoder by jigsaws of the pictures that are given."""
    return pretraining_of(
        config,
        Pretext("jigsaw"),
        data=config.translation.inputs(config.data),
        generator=Generator(),
        discriminator=Discriminator(config.generator.architecture, width=config.generator.width),
    )


VARIANTS = {
    USUAL: Variant(weighted(1.0)),
    NONE: Variant(weighted(0.0)),
    "weight 0.1": Variant(weighted(0.1)),
    "weight 10": Variant(weighted(10.0)),
    "weight 1, no identity": Variant(
        change(translation={"patch_weight": 1.0, "identity_weight": 0.0})
    ),
    GAME: Variant(change(weighted(1.0), embedding={"weight": 0.1, "game": "neighbor"})),
    JIGSAW: Variant(
        weighted(1.0),
        donor=Donor(jigsaws, SHARE, start_from(init_players="discriminator", init_parts="trunk")),
    ),
    OF_ENCODER: Variant(
        weighted(1.0),
        donor=Donor(jigsaws_of_encoder, SHARE, start_from(init_players="encoder")),
    ),
}


def benchmark(limit: int) -> Benchmark:
    """The translation of digits to so many of the target's, at half of the experiment's images."""
    return Benchmark(
        total_nimg=32_000,
        figures=FIGURES,
        experiment="translate_digits",
        change=change(data={"limit": limit}),
        held_out=True,
    )


STUDY = Study(
    summary="digits to few of another hand, unpaired: patch contrast, jigsaws, neighbour game",
    variants=VARIANTS,
    benchmarks={f"digits_{n}": benchmark(n) for n in (50, 200, 1_000)},
    baseline=USUAL,
    decides_by=FRECHET.key,
    pairs=tuple((name, USUAL) for name in VARIANTS if name != USUAL),
    pairs_by=tuple(figure.key for figure in FIGURES),
)
