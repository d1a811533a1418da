"""The studies by name. A new one is a file here and a line below; `--list` names them."""

from eval.study.declare import Study
from eval.study.studies import (
    ablation,
    bank,
    collapse_2d,
    collapse_digits,
    collapse_mnist,
    collapse_mnist_mlp,
    federated,
    few_samples,
    neighbours,
    points,
    quick,
    smoothness,
    starved,
    transfer,
    translate,
    view_strength,
)

STUDIES: dict[str, Study] = {
    "quick": quick.STUDY,
    "points": points.STUDY,
    "collapse_2d": collapse_2d.STUDY,
    "collapse_digits": collapse_digits.STUDY,
    "starved": starved.STUDY,
    "collapse_mnist": collapse_mnist.STUDY,
    "collapse_mnist_mlp": collapse_mnist_mlp.STUDY,
    "ablation": ablation.STUDY,
    "neighbours": neighbours.STUDY,
    "few_samples": few_samples.STUDY,
    "view_strength": view_strength.STUDY,
    "transfer": transfer.STUDY,
    "translate": translate.STUDY,
    "bank": bank.STUDY,
    "smoothness": smoothness.STUDY,
    "federated": federated.STUDY,
}


def study_named(name: str) -> Study:
    """The study of this name, for processes that are handed the name: changes can't be."""
    return STUDIES[name]
