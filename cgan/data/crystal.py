"""Monolayer MoS2 as a microscope sees it from above, with one defect in a whole number of cells.

High-angle annular dark-field STEM: a column of atoms is as bright as the sum of its `Z^1.7`
(Krivanek et al. 2010, Nature 464, 571), blurred by a Gaussian probe; electrons come by chance. The
picture is 4 x 4 cells of the lattice, without edges: what leaves it comes in again opposite.
"""

from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from cgan.config import ConfigError

HEIGHT, WIDTH = 28, 32
"""Pixels of a picture: 2 x 4 rectangular cells of a x sqrt(3) a, each 14 x 8 pixels."""
LATTICE = ((7, 4), (0, 8))
"""Lattice vectors in pixels, down and to the right.

They are whole, since rows are 1 % finer than columns (0.3934 and 0.3975 Angstrom).
"""
SITES = tuple(product(range(4), range(4)))
"""Sites that the defect may be at: so many of the first vector and so many of the second."""
CLASS_NAMES = ("none", "S vacancy", "double S vacancy", "Mo vacancy", "Se for S")
CONSTANT = 3.18
"""Lattice constant a in Angstrom, ase's for 2H MoS2."""
EXPONENT = 1.7
PROBE = 1.1
"""Standard deviation of the probe in pixels: 1.0 Angstrom of full width at half maximum."""
ELECTRONS = 80.0
"""Electrons expected in the pixel in the middle of a molybdenum column."""
BACKGROUND = 4.0
"""Electrons expected in any pixel besides."""
MOLYBDENUM, SULFUR = 42, 16
ROUNDING = 1e-6
"""Pixels by which an atom at its site may seem to stand before it."""
INSTALL = "pip install ase"


def expected_pictures() -> Float[np.ndarray, "classes sites height width"]:
    """Electrons expected in each pixel, for each class and each site of the defect.

    Raises:
        ConfigError: ase is not installed.
    """
    whole = monolayer()
    return np.stack(
        [[electrons_of(with_defect(whole, name, site)) for site in SITES] for name in CLASS_NAMES]
    )


def monolayer() -> Any:
    """The crystal without a defect, as ase's atoms: 4 x 4 cells, a molybdenum at the origin.

    Raises:
        ConfigError: ase is not installed.
    """
    try:
        from ase.build import make_supercell, mx2
    except ImportError as error:
        raise ConfigError(
            f"data.source = 'lattice': needs ase for its atoms ({error}); it must be installed "
            f"({INSTALL}), or a micrograph be given (--data.path picture.dm3)"
        ) from None
    primitive = mx2("MoS2", kind="2H", a=CONSTANT, vacuum=5.0)
    rectangular = make_supercell(primitive, [[1, 0, 0], [1, 2, 0], [0, 0, 1]])
    return rectangular.repeat((4, 2, 1))


def with_defect(whole: Any, name: str, site: tuple[int, int]) -> Any:
    """The crystal with a defect at a site; the site of none is nowhere."""
    atoms = whole.copy()
    at_site = np.array(site) @ np.array(LATTICE, float)
    if name == "Mo vacancy":
        del atoms[_column(atoms, MOLYBDENUM, at_site)]
    elif name != "none":
        pair = _column(atoms, SULFUR, at_site)
        if name == "Se for S":
            atoms.symbols[pair[0]] = "Se"
        else:
            del atoms[pair if name == "double S vacancy" else pair[:1]]
    return atoms


def _column(atoms: Any, number: int, at_site: Float[np.ndarray, "2"]) -> list[int]:
    """The atoms of one column: the first of this element down and to the right of a site."""
    ahead = (pixels_of(atoms) - at_site + ROUNDING) % (HEIGHT, WIDTH)
    away = np.where(atoms.numbers == number, np.hypot(*ahead.T), np.inf)
    return [int(atom) for atom in np.flatnonzero(np.isclose(away, away.min()))]


def pixels_of(atoms: Any) -> Float[np.ndarray, "atoms 2"]:
    """Where atoms stand in the picture, in pixels down and to the right."""
    across = np.diag(np.asarray(atoms.cell))[:2]
    return np.asarray(atoms.positions)[:, 1::-1] / across[::-1] * (HEIGHT, WIDTH)


def electrons_of(atoms: Any) -> Float[np.ndarray, "height width"]:
    """Electrons expected in each pixel of a picture of atoms."""
    places = pixels_of(atoms)
    rows, columns = (_probe(places[:, axis], side) for axis, side in enumerate((HEIGHT, WIDTH)))
    brightness = (np.asarray(atoms.numbers) / MOLYBDENUM) ** EXPONENT
    return BACKGROUND + ELECTRONS * np.einsum("a,ah,aw->hw", brightness, rows, columns)


def _probe(places: Float[np.ndarray, " atoms"], side: int) -> Float[np.ndarray, "atoms side"]:
    """The probe along an axis without ends, 1 where it stands."""
    away = (np.arange(side) - places[:, None] + side / 2) % side - side / 2
    return np.exp(-0.5 * (away / PROBE) ** 2)
