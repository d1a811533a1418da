"""Pure functions from verdicts to named per-sample terms. They know no networks and no devices."""

from cgan.config import Experiment
from cgan.objectives.classic import CLASSIC
from cgan.objectives.comparisons import Critic, Embedding
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES
from cgan.objectives.mixture import Game, WeightedSum
from cgan.objectives.verdicts import BatchVerdicts, Verdicts, draw_offsets, gaps


def build(config: Experiment) -> Game:
    """The game that a config describes: on the score, on embeddings, or the sum of both."""
    objective, embedding = config.objective, config.embedding
    games: dict[str, Game] = {}
    if objective.weight:
        games["critic"] = CLASSIC.get(objective.loss) or _critic(config)
    if embedding.weight:
        games["embedding"] = _embedding(config)
    weights = {"critic": objective.weight, "embedding": embedding.weight}
    return WeightedSum(games, {name: weights[name] for name in games})


def _critic(config: Experiment) -> Contrastive:
    objective = config.objective
    return Contrastive(
        Critic(),
        CURVES[objective.loss, objective.normalise],
        temperature=objective.temperature,
        temperature_bounds=objective.temperature_bounds,
        dual=objective.dual,
        hardness=objective.hardness,
        top_k=objective.top_k,
    )


def _embedding(config: Experiment) -> Contrastive:
    objective, embedding = config.objective, config.embedding
    return Contrastive(
        Embedding(),
        CURVES[embedding.curve, objective.normalise],
        temperature=embedding.temperature,
        temperature_bounds=embedding.temperature_bounds,
        dual=objective.dual,
        hardness=objective.hardness,
        top_k=objective.top_k,
    )


__all__ = ["BatchVerdicts", "Game", "Verdicts", "build", "draw_offsets", "gaps"]
