"""What a sample is stands in one place: every table knows every kind, and nobody guesses."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from cgan.augment.views import VIEWS
from cgan.commands.rank import FAKES
from cgan.config import Augment, ConfigError, Data, PolicyName, SourceName
from cgan.data import EMBEDDED, load_source
from cgan.datasets import DATASETS, OWN, named
from cgan.kinds import DNA, IMAGE, KINDS, POINT, PROTEIN, SEQUENCE, Kind
from cgan.probe.space import COORDINATES
from cgan.sampling.pictures import PICTURES
from cgan.sampling.ranking_picture import DRAWN
from eval.dataset.noise import NOISE
from eval.dataset.protocol import USUAL
from eval.metrics.catalog import LEFT_OUT

ROOT = Path(__file__).parents[1]
TABLES = {
    "views": VIEWS,
    "fakes beside a real": FAKES,
    "coordinates": COORDINATES,
    "pictures": PICTURES,
    "pictures of rankings": DRAWN,
    "noise": NOISE,
    "protocols": USUAL,
    "metrics left out": LEFT_OUT,
}


@pytest.mark.parametrize("table", TABLES)
def test_every_room_says_what_every_kind_means(table: str) -> None:
    assert set(TABLES[table]) == set(KINDS.values()) == {IMAGE, POINT, SEQUENCE, DNA, PROTEIN}


def test_kinds_have_the_views_that_they_say() -> None:
    policies = get_args(PolicyName)
    assert {policy for kind in KINDS.values() for policy in kind.policies} == set(policies)
    for kind, view in VIEWS.items():
        assert ("views" in kind.policies) == (view is not None)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_view_that_is_off_suits_every_kind_and_others_are_refused_by_name(kind: Kind) -> None:
    Augment().check_for_kind(kind, "here")
    settings = {"views": Augment(0.5), "ada": Augment(policy="ada", probability=0.5)}
    for policy, augment in settings.items():
        if policy in kind.policies:
            augment.check_for_kind(kind, "here")
            continue
        with pytest.raises(ConfigError, match=f"here, whose samples are {kind.plural}$"):
            augment.check_for_kind(kind, "here")


def test_the_registry_and_the_sources_agree() -> None:
    assert (*DATASETS, OWN) == get_args(SourceName)
    assert set(EMBEDDED) == set(named(from_files=False))
    for name in EMBEDDED:
        assert load_source(Data(name), "test").kind == DATASETS[name].kind
    assert named(has_shares=True, from_files=True) == ("stacked_mnist",)


GUESSES = """
len(source.sample_shape) == 3
len(parts.source.sample_shape) > 1
x = "a" if len(source.sample_shape) == 1 else "b"
samples.ndim == 4
views[samples.ndim]
isinstance(source, Mixture)
source in ("ring8", "grid25")
"""
FINE = """
len(source) > 1
shape[1:] == other.shape[1:]
len(features.shape)
isinstance(source, Source)
name == "ring8"
"""


def guesses(tree: ast.Module) -> list[int]:
    """Lines that take what a sample is from its shape, its class or a list of data sets."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = [left, *others]
                listed = [
                    e.value for s in sides for e in ast.walk(s) if isinstance(e, ast.Constant)
                ]
                names = len({"ring8", "grid25", "grid100", "digits"} & {*map(str, listed)}) > 1
                if any(map(counts_axes, sides)) or names:
                    found.append(node.lineno)
            case ast.Subscript(slice=key) if counts_axes(key):
                found.append(node.lineno)
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, ast.Name(id="Mixture")]):
                found.append(node.lineno)
    return found


def lists_names(node: ast.AST) -> bool:
    """Whether an expression names several data sets."""
    said = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
    return len(said & set(DATASETS)) > 1


def counts_axes(node: ast.AST) -> bool:
    """Whether an expression is the number of a sample's axes."""
    match node:
        case ast.Call(func=ast.Name(id="len"), args=[ast.Attribute(attr="sample_shape")]):
            return True
        case ast.Attribute(value=ast.Name(id="samples" | "reals" | "fakes" | "real"), attr="ndim"):
            return True
        case ast.Attribute(value=ast.Attribute(attr="fakes" | "reals"), attr="ndim"):
            return True
    return False


def test_guesses_are_found() -> None:
    lines = GUESSES.strip().splitlines()
    assert [line for line in lines if not guesses(ast.parse(line))] == []
    assert guesses(ast.parse(FINE)) == []


def test_nobody_guesses_what_a_sample_is() -> None:
    """Networks may look at shapes: an architecture is made for some."""
    home = {ROOT / "cgan/data/source.py"}
    for folder in ("cgan", "configs", "eval", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path in home or "networks" in path.parts:
                continue
            assert guesses(ast.parse(path.read_text())) == [], path
