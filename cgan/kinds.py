"""What a sample is, said once: an image, a point, a sequence, DNA or a protein.

A source says which by `kind`.

Nothing asks a sample's shape what it is. What a kind means stands in one table a room, keyed by
kind: which views there are (`cgan/augment/views.py`), how samples that lie in files are decoded
(`cgan/data/remembered.py`, of the kinds that do), what a picture of samples is
(`cgan/sampling/pictures.py`) and of a ranking (`cgan/sampling/ranking_picture.py`), where distances
are taken (`cgan/probe/space.py`), and what is measured with and beside what noise
(`eval/dataset/protocol.py`, `eval/dataset/noise.py`, `eval/metrics/catalog.py`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of samples, and how messages speak of it.

    Example:
        >>> from cgan.kinds import SEQUENCE
        >>> SEQUENCE.of((16, 4))
        '16 x 4 sequences'
    """

    name: str
    plural: str
    axes: tuple[str, ...]
    """Names of the axes of one sample."""
    policies: tuple[str, ...]
    """Which of the augmentations of `--augment.policy` there are for it."""

    def of(self, shape: tuple[int, ...]) -> str:
        """Samples of this shape, for a message."""
        return f"{' x '.join(map(str, shape))} {self.plural}"


IMAGE = Kind(
    "image",
    "images",
    ("height", "width", "channels"),
    ("views", "ada", "diffaugment", "symmetry"),
)
"""Images: uint8 pixels, NHWC; networks see them in [-1, 1]."""
POINT = Kind("point", "points", ("dimensions",), ("views",))
"""Points: coordinates in float32; networks see them in units of their spread."""
SEQUENCE = Kind("sequence", "sequences", ("length", "letters"), ())
"""Sequences: at each place a weight for each letter, one-hot in data, anything when generated."""

DNA = Kind("dna", "DNA sequences", ("length", "bases"), ("reverse_complement",))
"""DNA: weights of the bases A, C, G and T in this order; both axes flipped are the other strand."""

PROTEIN = Kind("protein", "proteins", ("length", "residues"), ("substitutions",))
"""Proteins: weights of the 20 residues, and of what is not known or beyond the end."""

KINDS = {kind.name: kind for kind in (IMAGE, POINT, SEQUENCE, DNA, PROTEIN)}
