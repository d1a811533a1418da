"""The configuration of one experiment: frozen dataclasses, checked when they are made.

All defaults of the project stand here. A file in `configs/` states only what differs; the command
line (`python train.py NAME --optim.lr 1e-3`) is derived from these classes, and the docstring
under a field is its help text.
"""

from cgan.config.alarm import Alarm
from cgan.config.augment import Augment, PolicyName
from cgan.config.bank import Bank, BankOf
from cgan.config.checks import ConfigError, positive, require, require_known, require_seed
from cgan.config.conditioning import Conditioning
from cgan.config.data import OF_CLASSES, Background, Data, EmbeddedName, Fold, SourceName
from cgan.config.experiment import Experiment, Optim
from cgan.config.federated import Federated
from cgan.config.graded import DistanceName, Graded
from cgan.config.launch import DataChanged, Launch, Processes, TrackerName
from cgan.config.networks import (
    TRANSLATORS,
    Architecture,
    Discriminator,
    Generator,
    NetworkName,
    TranslatorName,
)
from cgan.config.objective import (
    ClassicName,
    Coupling,
    CurveName,
    Embedding,
    Halves,
    LossName,
    Objective,
    Penalty,
    ToldFrom,
)
from cgan.config.pretraining import EMBEDDED_TASKS, Descent, Pretext, PretextName, Pretraining
from cgan.config.prior import Prior
from cgan.config.renamed import RENAMED_SETTINGS, RENAMED_VALUES
from cgan.config.resuming import changes_forbidden
from cgan.config.run_config import Clock, RunConfig, RunSettings
from cgan.config.serialize import differences, from_json, procedure_of, read_as, to_json
from cgan.config.translation import Translation
from cgan.config.warm_start import InitParts, InitPlayers, Players

__all__ = [
    "EMBEDDED_TASKS",
    "OF_CLASSES",
    "RENAMED_SETTINGS",
    "RENAMED_VALUES",
    "TRANSLATORS",
    "Alarm",
    "Architecture",
    "Augment",
    "Background",
    "Bank",
    "BankOf",
    "ClassicName",
    "Clock",
    "Conditioning",
    "ConfigError",
    "Coupling",
    "CurveName",
    "Data",
    "DataChanged",
    "Descent",
    "Discriminator",
    "DistanceName",
    "EmbeddedName",
    "Embedding",
    "Experiment",
    "Federated",
    "Fold",
    "Generator",
    "Graded",
    "Halves",
    "InitParts",
    "InitPlayers",
    "Launch",
    "LossName",
    "NetworkName",
    "Objective",
    "Optim",
    "Penalty",
    "Players",
    "PolicyName",
    "Pretext",
    "PretextName",
    "Pretraining",
    "Prior",
    "Processes",
    "RunConfig",
    "RunSettings",
    "SourceName",
    "ToldFrom",
    "TrackerName",
    "Translation",
    "TranslatorName",
    "changes_forbidden",
    "differences",
    "from_json",
    "positive",
    "procedure_of",
    "read_as",
    "require",
    "require_known",
    "require_seed",
    "to_json",
]
