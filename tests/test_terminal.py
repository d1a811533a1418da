"""Standard output as users have it: a pipe nobody reads, closed, full, of another encoding."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cgan.config import ConfigError
from cgan.system import cli, terminal

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {name: of for name, of in os.environ.items() if name != "PYTHONUNBUFFERED"}


def program(body):
    """A program that `cli.run` runs, as a command line's words."""
    script = f"import os, sys\nfrom cgan.system import cli\ndef main():\n{body}\ncli.run(main)"
    return [sys.executable, "-c", script]


def started(body, **streams):
    done = subprocess.run(
        program(body), cwd=ROOT, env=ENVIRONMENT, timeout=60, check=False, **streams
    )
    return done.returncode, done.stderr


def shell(body, redirection, **environment):
    """Run by a shell with these redirections; its exit code, and what all streams got."""
    command = " ".join(map(_quoted, program(body))) + f" {redirection}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")


def _quoted(word):
    return "'" + word.replace("'", "'\\''") + "'"


@pytest.mark.parametrize(
    "body",
    [
        "  for n in range(100_000): print(n)",
        "  print('a line')",  # fails at the last flush only
        "  sys.stdin.close(); print('x' * 10**6); raise ValueError('never reached')",
    ],
    ids=["many lines", "one line", "one long line"],
)
def test_a_pipe_that_nobody_reads_ends_a_program_quietly(body):
    read, write = os.pipe()
    os.close(read)
    try:
        code, error = started(body, stdout=write, stderr=subprocess.PIPE)
    finally:
        os.close(write)
    assert (code, error) == (terminal.CLOSED_PIPE, b"")
    assert terminal.CLOSED_PIPE == 141


def test_an_error_keeps_its_exit_code_where_nobody_reads_of_it():
    body = "  from cgan.config import ConfigError\n  print('table')\n  raise ConfigError('no')"
    read, write = os.pipe()
    os.close(read)
    try:
        assert started(body, stdout=write, stderr=write)[0] == 2
    finally:
        os.close(write)


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error_and_no_file_takes_their_place(tmp_path, redirection):
    path = tmp_path / "records"
    body = f"""
  file = open({str(path)!r}, "w")
  assert file.fileno() > 2
  print("table"); print("error", file=sys.stderr); os.write(1, b"raw")
  file.write("record")"""
    code, out, err = shell(body, redirection)
    assert code == 0, err
    assert path.read_text() == "record"
    assert out in ("", "table\nraw", "rawtable\n")


def test_a_full_device_is_named():
    code, out, err = shell("  print('table')", "> /dev/full")
    assert (code, out) == (1, "")
    assert err == "error: standard output: No space left on device\n"


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "C"],
)
def test_characters_that_a_terminal_lacks_are_replaced(environment):
    body = r"""
  print("7 \xb1 0.3", "caf\xe9 \U0001f600 \udce9")
  from cgan.config import ConfigError
  raise ConfigError("data.path = \u732b\udce9\x1b[2J: no")"""
    code, out, err = shell(body, "", **environment)
    assert code == 2
    assert out == "7 +- 0.3 caf\\xe9 \\U0001f600 \\udce9\n"
    assert err == "error: data.path = \\u732b\\udce9\\x1b[2J: no\n"


def test_another_broken_pipe_is_not_taken_for_the_terminals(capsys):
    def main():
        raise BrokenPipeError(32, "Broken pipe", "worker")

    with pytest.raises(SystemExit) as stop:
        cli.run(main)
    assert stop.value.code == 1
    assert capsys.readouterr().err == "error: worker: Broken pipe\n"


def test_an_error_is_one_line_whatever_it_names(capsys):
    def main():
        raise ConfigError("path = a\nb\x1b[2J: must be another")

    with pytest.raises(SystemExit):
        cli.run(main)
    assert capsys.readouterr().err == "error: path = a\\nb\\x1b[2J: must be another\n"
