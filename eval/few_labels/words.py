"""Words for a probe with few labels, which its table and its picture share."""

from collections.abc import Sequence
from typing import NamedTuple

from eval.few_labels.record import Accuracy, Method
from eval.few_labels.representations import Origin

METHODS: dict[Method, str] = {
    "nearest_neighbor": "nearest neighbour (cosine)",
    "logistic_regression": "logistic regression",
    "fine_tuning": "fine-tuning",
}


class Line(NamedTuple):
    """One row of the table, one curve of the picture."""

    method: Method
    origin: Origin
    features: str
    records: Sequence[Accuracy]
    """Records of each number of labels, ascending."""

    @property
    def name(self) -> str:
        """What is classified, or trained, in words."""
        if self.method == "fine_tuning":
            return "from the run" if self.origin == "run" else "from scratch"
        return f"{self.features}, untrained" if self.origin == "untrained" else self.features


def lines(records: Sequence[Accuracy]) -> list[Line]:
    """The records of one probe as rows, in the order in which they were measured."""
    keys = dict.fromkeys((r.method, r.origin, r.features) for r in records)
    return [
        Line(
            *key,
            sorted(
                (r for r in records if (r.method, r.origin, r.features) == key),
                key=lambda r: r.labels_per_class,
            ),
        )
        for key in sorted(keys, key=lambda key: list(METHODS).index(key[0]))
    ]


def title(subject: str, record: Accuracy) -> tuple[str, str]:
    """Words for what was probed, and on which samples."""
    return (
        f"{subject}: {record.checkpoint_nimg:,} images seen",
        f"{record.source}: {record.classes:,} classes; {len(record.accuracies)} draws of labels "
        f"(seed {record.seed}) among {record.train_n:,} train samples, judged on "
        f"{record.held_out_n:,} held-out ones",
    )


def value_and_error(value: float, error: float | None, sign: bool = False) -> str:
    """A number with its standard error, where it has one."""
    text = f"{value:+.3f}" if sign else f"{value:.3f}"
    return text if error is None else f"{text} ± {error:.3f}"


def summary(records: Sequence[Accuracy]) -> list[str]:
    """A sentence for each classifier: the run's best features beside the baseline, draw by draw."""
    told = []
    for method, name in METHODS.items():
        of_run = [line for line in lines(records) if (line.method, line.origin) == (method, "run")]
        if not of_run:
            continue
        best = max(of_run, key=lambda line: sum(r.accuracy for r in line.records))
        what = "the run's weights over fresh ones"
        if method != "fine_tuning":
            what = f"{best.features} over {_baseline(records)}"
        differences = (
            f"{value_and_error(r.over_baseline, r.over_baseline_standard_error, sign=True)} at "
            f"{r.labels_per_class}"
            for r in best.records
            if r.over_baseline is not None
        )
        told.append(f"{name[0].upper()}{name[1:]}, {what}: {', '.join(differences)}.")
    return told


def caution(record: Accuracy) -> str | None:
    """What is unfair about the figures, if anything is."""
    if not record.with_labels:
        return None
    return (
        "This run learnt with all the labels of the train split: its features owe to many more "
        "than the few that the classifiers see."
    )


def _baseline(records: Sequence[Accuracy]) -> str:
    return next(record.features for record in records if record.origin == "none")
