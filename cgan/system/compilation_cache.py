"""Compiled programs are kept on disk, so that a run's second start need not compile it again.

JAX does it (its persistent compilation cache); here it is told where. An entry carries a checksum:
one that is damaged is compiled anew, with a warning.
"""

import hashlib
import os
import platform
from pathlib import Path

from cgan.system.files import cache_folder

FOLDER = "JAX_COMPILATION_CACHE_DIR"
ENABLED = "JAX_ENABLE_COMPILATION_CACHE"
MIN_SEC, NEVER_SEC = "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", str(10**9)
LIMITS = {
    MIN_SEC: "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
}
"""Settings by which JAX keeps every compiled program.

JAX's own leave out what took less than a second; a start compiles a hundred such programs.
"""


def keep() -> None:
    """Tell a JAX that is not imported yet where to keep what it compiles.

    What the environment says stands: another folder, or `JAX_ENABLE_COMPILATION_CACHE=false`. A
    folder that can't be written, such as that of another user, is read only: JAX would warn of each
    program otherwise.
    """
    folder = Path(os.environ.setdefault(FOLDER, str(cache_folder() / "compiled" / processor())))
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not os.access(existing, os.W_OK):
        if existing == folder:
            os.environ.setdefault(MIN_SEC, NEVER_SEC)
        else:
            os.environ.setdefault(ENABLED, "false")
    for name, value in LIMITS.items():
        os.environ.setdefault(name, value)


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """A name for this kind of processor: a home that two kinds share has a folder for each.

    Programs for the CPU use all that it can do, and another one would end at an illegal
    instruction. Where the system does not tell what it can do, its model has to do.
    """
    told = [platform.machine(), platform.processor()]
    try:
        with cpuinfo.open() as lines:
            told.append(
                next((line for line in lines if line.startswith(("flags", "Features"))), "")
            )
    except OSError:
        pass
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]
