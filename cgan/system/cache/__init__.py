"""The user's cache folder, which keeps what is costly to make: see `arrays` and `kept`.

`python -m cgan.cache` lists it and clears it.
"""

from cgan.system.cache.arrays import load_arrays, mark_used, note, save_arrays

__all__ = ["load_arrays", "mark_used", "note", "save_arrays"]
