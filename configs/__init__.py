"""The experiments by name. A new one is a file here and a line below; `--help` lists them."""

from types import ModuleType

from cgan.config import Experiment, Pretraining
from configs import (
    celeb_a64,
    cifar10,
    day2night128,
    day2night256,
    digits,
    dna,
    ffhq64,
    ffhq256,
    grid25,
    grid25_imbalanced,
    grid100,
    horse2zebra,
    imagenet32,
    imagenet64,
    lattice,
    mnist,
    pretrain_digits,
    pretrain_dna,
    pretrain_dna_masked,
    pretrain_lattice,
    pretrain_mnist,
    pretrain_proteins,
    proteins,
    r3gan_cifar10,
    r3gan_ffhq64,
    r3gan_ffhq256,
    r3gan_imagenet32,
    r3gan_imagenet64,
    ring8,
    stacked_digits,
    stacked_digits_imbalanced,
    stacked_digits_starved,
    stacked_mnist,
    stacked_mnist_mlp,
    stacked_mnist_starved,
    translate_digits,
)

MODULES: dict[str, ModuleType] = {
    "digits": digits,
    "stacked_digits": stacked_digits,
    "stacked_digits_starved": stacked_digits_starved,
    "stacked_digits_imbalanced": stacked_digits_imbalanced,
    "dna": dna,
    "ring8": ring8,
    "grid25": grid25,
    "grid25_imbalanced": grid25_imbalanced,
    "grid100": grid100,
    "lattice": lattice,
    "proteins": proteins,
    "stacked_mnist": stacked_mnist,
    "stacked_mnist_mlp": stacked_mnist_mlp,
    "stacked_mnist_starved": stacked_mnist_starved,
    "mnist": mnist,
    "translate_digits": translate_digits,
    "cifar10": cifar10,
    "celeb_a64": celeb_a64,
    "imagenet32": imagenet32,
    "imagenet64": imagenet64,
    "ffhq64": ffhq64,
    "ffhq256": ffhq256,
    "horse2zebra": horse2zebra,
    "day2night128": day2night128,
    "day2night256": day2night256,
    "r3gan_cifar10": r3gan_cifar10,
    "r3gan_imagenet32": r3gan_imagenet32,
    "r3gan_imagenet64": r3gan_imagenet64,
    "r3gan_ffhq64": r3gan_ffhq64,
    "r3gan_ffhq256": r3gan_ffhq256,
}

CONFIGS: dict[str, Experiment] = {name: module.CONFIG for name, module in MODULES.items()}

PRETRAINING_MODULES: dict[str, ModuleType] = {
    "pretrain_digits": pretrain_digits,
    "pretrain_dna": pretrain_dna,
    "pretrain_dna_masked": pretrain_dna_masked,
    "pretrain_lattice": pretrain_lattice,
    "pretrain_proteins": pretrain_proteins,
    "pretrain_mnist": pretrain_mnist,
}

PRETRAININGS: dict[str, Pretraining] = {
    name: module.CONFIG for name, module in PRETRAINING_MODULES.items()
}
"""What a GAN can start from (`--init-from`), by name."""


def summary(name: str) -> str:
    """The first line of a config's docstring."""
    module = (MODULES | PRETRAINING_MODULES)[name]
    return (module.__doc__ or "").strip().splitlines()[0]
