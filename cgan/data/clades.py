"""Clades of a tree, and folds of whole clades: what is held out has no close kin in training."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

Tree = str | tuple[Any, ...]
"""A leaf's name, or the subtrees below a node."""


def leaves(tree: Tree) -> list[str]:
    """Names of the leaves, from one side of the tree to the other.

    >>> leaves((("a", "b"), "c"))
    ['a', 'b', 'c']
    """
    if isinstance(tree, str):
        return [tree]
    return [leaf for branch in tree for leaf in leaves(branch)]


def clades(tree: Tree, at_most: int) -> list[list[str]]:
    """The largest clades of at most so many leaves: each leaf is in one.

    >>> clades(((("a", "b"), "c"), ("d", "e")), 2)
    [['a', 'b'], ['c'], ['d', 'e']]
    """
    found = leaves(tree)
    if isinstance(tree, str) or len(found) <= at_most:
        return [found]
    return [clade for branch in tree for clade in clades(branch, at_most)]


def pruned(tree: Tree, names: Sequence[str]) -> Tree:
    """The tree of these leaves alone; nodes of one branch are left out.

    >>> pruned((("a", "b"), ("c", ("d", "e"))), ["a", "b", "e"])
    (('a', 'b'), 'e')

    Raises:
        ValueError: it has none of them.
    """
    found = _pruned(tree, set(names))
    if found is None:
        raise ValueError("the tree has none of these leaves")
    return found


def _pruned(tree: Tree, names: set[str]) -> Tree | None:
    if isinstance(tree, str):
        return tree if tree in names else None
    kept = tuple(of for of in (_pruned(branch, names) for branch in tree) if of is not None)
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else kept


def folds(of: Sequence[Sequence[str]], count: int) -> list[list[str]]:
    """Clades dealt out to folds of about one size, the largest first, each to the smallest fold.

    >>> folds([["a"], ["b", "c", "d"], ["e", "f"]], 2)
    [['b', 'c', 'd'], ['e', 'f', 'a']]
    """
    dealt: list[list[str]] = [[] for _ in range(count)]
    for clade in sorted(of, key=len, reverse=True):
        min(dealt, key=len).extend(clade)
    return dealt


def of_distances(distances: Float[np.ndarray, "n n"], names: Sequence[str]) -> Tree:
    """The tree of average linkage (UPGMA, Sokal & Michener 1958) of pairwise distances.

    >>> of_distances(np.array([[0, 1, 4], [1, 0, 4], [4, 4, 0.0]]), ["a", "b", "c"])
    ('c', ('a', 'b'))
    """
    branches: list[Tree] = list(names)
    for one, other in linkage(distances)[:, :2].astype(int):
        branches.append((branches[one], branches[other]))
    return branches[-1]


def linkage(distances: Float[np.ndarray, "n n"]) -> Float[np.ndarray, "merges 4"]:
    """Merges of average linkage, as `scipy.cluster.hierarchy` writes them."""
    # Imported late: SciPy's clusters take a second, and proteins alone have trees.
    from scipy.cluster import hierarchy
    from scipy.spatial.distance import squareform

    halves = (distances + distances.T) / 2
    return np.asarray(hierarchy.linkage(squareform(halves, checks=False), "average"))
