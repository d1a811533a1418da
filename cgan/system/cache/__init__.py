"""The user's cache folder, which keeps what is costly to make: see `arrays` and `kept`.

`python -m cgan.cache` lists it and clears it.
"""

from cgan.system.cache.arrays import load_arrays, load_as, mark_used, note, save_arrays
from cgan.system.cache.kept import keep_within

__all__ = ["keep_within", "load_arrays", "load_as", "mark_used", "note", "save_arrays"]
