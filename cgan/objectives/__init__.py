"""Pure functions from verdicts to named per-sample terms. They know no networks and no devices."""

from cgan import config as config_lib
from cgan.config import Experiment
from cgan.objectives.classic import BOUNDARY, CLASSIC
from cgan.objectives.comparisons import Comparison, Critic, Embedding
from cgan.objectives.contrastive import Contrastive
from cgan.objectives.curves import CURVES
from cgan.objectives.games import Game, WeightedSum
from cgan.objectives.verdicts import BatchVerdicts, Verdicts, draw_offsets, gaps, sign_of_reals


def build(config: Experiment) -> Game:
    """The game that a config describes: on the score, on embeddings, or the sum of both."""
    objective, embedding = config.objective, config.embedding
    games: dict[str, Game] = {}
    if objective.weight and objective.is_contrastive:
        games["critic"] = _contrastive(Critic(), objective.loss, objective, objective)
    elif objective.weight:
        games["critic"] = CLASSIC[objective.loss]
    if embedding.weight:
        games["embedding"] = _contrastive(Embedding(), embedding.curve, objective, embedding)
    weights = {"critic": objective.weight, "embedding": embedding.weight}
    return WeightedSum(games, {name: weights[name] for name in games})


def _contrastive(
    comparison: Comparison,
    curve: str,
    meeting: config_lib.Objective,
    grading: config_lib.Objective | config_lib.Embedding,
) -> Contrastive:
    """One comparison: `meeting` says which rivals a row meets, `grading` how sharply."""
    return Contrastive(
        comparison,
        CURVES[curve, meeting.normalize],
        temperature=grading.temperature,
        temperature_bounds=grading.temperature_bounds,
        dual=meeting.dual,
        hardness=meeting.hardness,
        top_k=meeting.top_k,
    )


__all__ = [
    "BOUNDARY",
    "BatchVerdicts",
    "Game",
    "Verdicts",
    "build",
    "draw_offsets",
    "gaps",
    "sign_of_reals",
]
