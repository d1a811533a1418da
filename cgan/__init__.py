"""Contrastive GANs in JAX: one real sample graded against a batch of fakes.

What a notebook needs stands here by name; it is imported when it is first asked for, so that
settings, help and messages do not wait for JAX. `docs/library.md` shows it in use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cgan.assemble import Parts
    from cgan.config import (
        Alarm,
        Augment,
        Bank,
        Conditioning,
        ConfigError,
        Data,
        Descent,
        Discriminator,
        Embedding,
        Experiment,
        Generator,
        Launch,
        Objective,
        Optim,
        Penalty,
        Pretext,
        Pretraining,
        Prior,
    )
    from cgan.data import Source, load_source
    from cgan.multi_seed import SeedTrainer
    from cgan.networks import Networks
    from cgan.objectives import Loss
    from cgan.sampling.pictures import image_grid, save_image_grid
    from cgan.sampling.ranking import rank_fakes
    from cgan.sampling.ranking_picture import save_ranking
    from cgan.sampling.runs import draw_samples, load_run, restore_run
    from cgan.sampling.sampler import Sampler
    from cgan.system.errors import CollapseError
    from cgan.training.loop import train
    from cgan.types import Batch, DiscriminatorOutput

__version__ = "0.1.0"


__all__ = [
    "Alarm",
    "Augment",
    "Bank",
    "Batch",
    "CollapseError",
    "Conditioning",
    "ConfigError",
    "Data",
    "Descent",
    "Discriminator",
    "DiscriminatorOutput",
    "Embedding",
    "Experiment",
    "Generator",
    "Launch",
    "Loss",
    "Networks",
    "Objective",
    "Optim",
    "Parts",
    "Penalty",
    "Pretext",
    "Pretraining",
    "Prior",
    "Sampler",
    "SeedTrainer",
    "Source",
    "draw_samples",
    "image_grid",
    "load_run",
    "load_source",
    "rank_fakes",
    "restore_run",
    "save_image_grid",
    "save_ranking",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for, with no more than it needs: the settings come without JAX."""
    if name in __all__:
        for load in (_settings, _parts, _sampling, _training):
            for thing in load():
                if thing.__name__ == name:
                    return thing
    raise AttributeError(f"module 'cgan' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The names that `__getattr__` hands on."""
    return [*__all__, "__version__"]


def _settings() -> tuple[Any, ...]:
    from cgan.config import (
        Alarm,
        Augment,
        Bank,
        Conditioning,
        ConfigError,
        Data,
        Descent,
        Discriminator,
        Embedding,
        Experiment,
        Generator,
        Launch,
        Objective,
        Optim,
        Penalty,
        Pretext,
        Pretraining,
        Prior,
    )

    players = (Generator, Discriminator)
    game = (Objective, Embedding, Bank, Penalty, Augment, Conditioning)
    pretext = (Pretraining, Pretext, Descent)
    settings = (Experiment, Data, *players, *game, Optim, Prior, Alarm)
    return *settings, *pretext, Launch, ConfigError


def _parts() -> tuple[Any, ...]:
    from cgan.assemble import Parts
    from cgan.data import Source, load_source
    from cgan.networks import Networks
    from cgan.objectives import Loss
    from cgan.types import Batch, DiscriminatorOutput

    return Parts, Source, load_source, Networks, Loss, Batch, DiscriminatorOutput


def _sampling() -> tuple[Any, ...]:
    from cgan.sampling.pictures import image_grid, save_image_grid
    from cgan.sampling.ranking import rank_fakes
    from cgan.sampling.ranking_picture import save_ranking
    from cgan.sampling.runs import draw_samples, load_run, restore_run
    from cgan.sampling.sampler import Sampler

    of_runs = (load_run, restore_run, draw_samples, rank_fakes)
    return *of_runs, Sampler, image_grid, save_image_grid, save_ranking


def _training() -> tuple[Any, ...]:
    from cgan.multi_seed import SeedTrainer
    from cgan.system.errors import CollapseError
    from cgan.training.loop import train

    return train, CollapseError, SeedTrainer
