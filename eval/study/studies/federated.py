"""What averaging and an exchange of embeddings give clients who keep their data, and at what price.

Five clients on `stacked_digits`, whose images are one client's by the digit in the first channel:
two digits each, or by Dirichlet's law of alpha 0.3. *Central* trains on all data at once,
*isolated* clients never meet, others average every 1, 8 or 32 steps, without and with a bank of 8
batches whose embeddings they exchange; of Dirichlet's shards every 8 alone. All play the neighbour
game beside pairwise, in batches of 80, 16 a client, so that runs see equally many images. Isolated
clients are judged each by itself (`eval/study/clients.py`).

Both players have half of the preset's units: five clients' steps on two cores then take a quarter
of the time. Nothing is tuned. 60 runs of 2,000 steps.
"""

import dataclasses
from typing import Any

from cgan.config import Bank, Experiment, Federated
from eval.study.declare import Benchmark, Change, Curves, Figure, Point, Study, Variant, change
from eval.study.studies.contenders import STACKED
from eval.study.studies.neighbours import GAME, views
from eval.study.traffic import ROUND, STEP

CLIENTS, BATCH, BATCHES, UNITS = 5, 80, 8, 128
LOCAL_STEPS, OF_ALL_SHARDS = (1, 8, 32), 8
CENTRAL, ISOLATED, DIRICHLET = "central", "isolated", "Dirichlet, alpha 0.3"
SENT = (Figure(ROUND, "MB a round", "{:.3f}"), Figure(STEP, "MB a step", "{:.4f}"))
"""What each client sends at the end of a round; of central training, a device in each step."""


def clients(**shards: Any) -> Change:
    """Five clients with such shards, a batch that they divide, and smaller players."""

    def apply(config: Experiment) -> Experiment:
        federated = Federated(CLIENTS, **shards)
        config = dataclasses.replace(config, batch_size=BATCH, federated=federated)
        return change(generator={"width": UNITS}, discriminator={"width": UNITS})(config)

    return apply


def central(config: Experiment) -> Experiment:
    """The experiment without its clients."""
    return dataclasses.replace(config, federated=Federated())


def isolated(config: Experiment) -> Experiment:
    """The experiment with clients that never average, and nothing to be probed."""
    federated = dataclasses.replace(config.federated, local_steps=0)
    return dataclasses.replace(config, federated=federated, probe_nimg=0)


def every(steps: int) -> Change:
    """An average every so many steps."""
    return change(federated={"local_steps": steps})


def banked(config: Experiment) -> Experiment:
    """A bank of 8 batches, whose embeddings clients exchange."""
    return dataclasses.replace(config, bank=Bank(BATCHES * BATCH))


def averaged(steps: int, bank: bool = False) -> str:
    """The name of a variant that averages."""
    return f"averaged every {steps}" + ", bank" * bank


game = change(views, objective={"loss": "pairwise"}, embedding=GAME)
SHARDS = {
    "two digits a client": clients(classes=2),
    DIRICHLET: clients(alpha=0.3),
}
OTHERS = tuple(
    averaged(steps, bank)
    for steps in LOCAL_STEPS
    if steps != OF_ALL_SHARDS
    for bank in (False, True)
)
"""Variants that clients with Dirichlet's shards are not run with."""


def points(benchmark: str, variant: str) -> list[Point]:
    """Figures against local steps; what knows none is a level line."""
    panels = f"local steps: {benchmark}"
    if variant in (CENTRAL, ISOLATED):
        return [Point(panels, variant, steps) for steps in LOCAL_STEPS]
    return [
        Point(panels, "averaged, bank" if bank else "averaged", steps)
        for steps in LOCAL_STEPS
        for bank in (False, True)
        if averaged(steps, bank) == variant
    ]


STUDY = Study(
    summary="clients that keep their data: central, isolated, averaged, averaged with a bank",
    variants={
        CENTRAL: Variant(change(game, central)),
        ISOLATED: Variant(change(game, isolated)),
        **{averaged(steps): Variant(change(game, every(steps))) for steps in LOCAL_STEPS},
        **{
            averaged(steps, bank=True): Variant(change(game, every(steps), banked))
            for steps in LOCAL_STEPS
        },
    },
    benchmarks={
        name: Benchmark(
            total_nimg=160_000,
            figures=(*STACKED, *SENT),
            experiment="stacked_digits",
            change=shared_out,
            without=OTHERS if name == DIRICHLET else (),
        )
        for name, shared_out in SHARDS.items()
    },
    baseline=CENTRAL,
    seeds=5,
    pairs=tuple((averaged(steps, bank=True), averaged(steps)) for steps in LOCAL_STEPS),
    pairs_by=("modes_captured_at_1", "reverse_kl_nats"),
    curves=Curves(("modes_captured_at_1", "reverse_kl_nats", ROUND), points),
)
