"""What is compiled stays on disk: the second start compiles nothing, damaged entries do no harm."""

import os
import subprocess
import sys

from benchmarks.startup import with_cache
from cgan.system.compilation_cache import ENABLED, FOLDER, MIN_SEC, keep, processor

PROGRAM = """
import sys
from cgan.system import cli

def main():
    import jax
    import jax.numpy as jnp
    from jax._src import monitoring
    hits = []
    monitoring.register_event_listener(lambda event, **_: hits.append(event))
    jax.jit(lambda x: jnp.linalg.qr(x @ jnp.sin(x))[0])(jnp.ones((64, 64))).block_until_ready()
    print(hits.count("/jax/compilation_cache/cache_hits"))

cli.run(main)
"""


def start(cache, **environment):
    """The program's count of cache hits, and what it warned of."""
    command = [sys.executable, "-c", PROGRAM]
    ran = subprocess.run(
        command, env=with_cache(cache) | environment, capture_output=True, text=True, check=True
    )
    return int(ran.stdout), ran.stderr


def test_the_second_start_finds_what_the_first_compiled_and_survives_its_damage(tmp_path):
    assert start(tmp_path)[0] == 0
    entries = list((tmp_path / "compiled" / processor()).glob("*-cache"))
    assert entries
    assert start(tmp_path)[0] >= len(entries)
    entries[0].write_bytes(entries[0].read_bytes()[:100])
    hits, warned = start(tmp_path)
    assert hits < len(entries) + 1
    assert "Error reading persistent compilation cache entry" in warned


def test_what_the_environment_says_stands(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "7")
    keep()
    assert os.environ[FOLDER] == str(tmp_path)
    assert os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] == "7"


def test_kinds_of_processors_have_names_of_their_own(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nflags : fpu avx2\n")
    one = processor(info)
    info.write_text("processor : 0\nflags : fpu avx2 avx512f\n")
    assert len({one, processor(info), processor(tmp_path / "none")}) == 3
    assert processor(info) == processor(info)


def test_a_folder_that_can_only_be_read_is_read_and_never_written(tmp_path, monkeypatch):
    """Another user's, which all may read."""
    monkeypatch.setenv("CGAN_CACHE", str(tmp_path))
    for name in (FOLDER, MIN_SEC, ENABLED):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with monkeypatch.context() as patch:
        patch.setenv(FOLDER, str(tmp_path))
        patch.setattr(os, "environ", dict(os.environ))
        keep()
        assert float(os.environ[MIN_SEC]) > 1e6
        assert ENABLED not in os.environ
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        keep()  # it is not there, and can't be made
        assert os.environ[ENABLED] == "false"
