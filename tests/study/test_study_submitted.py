"""Jobs that submitit starts: processes of this machine, and what a Slurm cluster is handed."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import submitit
from submitit.core import submission
from submitit.core.test_core import MockedSubprocess
from submitit.core.utils import FailedJobError

from cgan.config import ConfigError
from eval.study import runs, session, submitted
from eval.study.options import Slurm
from eval.study.places import Place
from eval.study.plan import Job, missing
from eval.study.results import opened, read
from eval.study.submitted import JobError, split_by_seeds
from tests.study.toy import STUDY, bare, find_study, row

ROOT = Path(__file__).parents[2]
PLAIN = Job("ring8", "plain", None, (64,), (0, 1))
OTHER = Job("ring8", "other", None, (64,), (0, 1))
TWO_PLACES = [Place(number, 2, {}) for number in range(2)]


def without_time(rows):
    return [{key: value for key, value in one.items() if key != "seconds"} for one in rows]


def keep(out, rows):
    with opened(out) as results:
        for one in rows:
            results.append(one)


@pytest.mark.slow
def test_two_runs_of_submitits_local_executor_are_those_of_this_process(
    tmp_path, monkeypatch, capsys
):
    """Two processes, of a seed each; what is known already is not run again."""
    expected = without_time(runs.rows_of(STUDY, PLAIN))
    monkeypatch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # as here, so that numbers agree
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "8")  # and compiled programs are found again
    out = tmp_path / "results.jsonl"
    known = [*bare(), row("other", 0, 0.5), row("other", 1, 0.5)]
    keep(out, known)
    execute = submitted.local(find_study, TWO_PLACES, 1, tmp_path / "logs")
    session.run(STUDY, out, execute)
    found = sorted(read(out)[len(known) :], key=lambda one: one["seed"])
    assert without_time(found) == expected
    assert missing(STUDY, read(out)) == []
    assert "2 rows known, 2 to do" in capsys.readouterr().out
    assert len(list((tmp_path / "logs").glob("*_log.out"))) == 2


class Cluster(MockedSubprocess):
    """Slurm's commands, as submitit's own tests play them; its jobs are done in this process."""

    def __init__(self, logs):
        super().__init__(known_cmds=["srun"])
        self.logs, self.scripts, self.canceled, self.refusal = logs, [], [], None
        self.states = {}
        """Of jobs by number, where they are not to be done."""
        self._waiting = []

    def sbatch(self, args):
        if self.refusal is not None:
            raise FailedJobError(self.refusal)
        self.scripts.append(Path(args[0]).read_text())
        told, array = super().sbatch(args), re.search(r"--array=0-(\d+)", self.scripts[-1])
        names = [f"{self.last_job}_{at}" for at in range(int(array[1]) + 1)] if array else []
        self._waiting += names or [self.last_job]
        return told

    def sacct(self, args):
        """Asked how its jobs are: those that may run have ended by then."""
        for name in self._waiting:
            if name not in self.states:
                with self.job_context(name):
                    submission.process_job(self.logs)
        self._waiting.clear()
        header = self.SACCT_HEADER
        return "\n".join([header, *(f"{name}|{state}" for name, state in self.states.items())])

    def __call__(self, command, **options):
        if command[0] == "scancel":
            self.canceled += command[1:]
        return super().__call__(command, **options)


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    handlers = {number: signal.getsignal(number) for number in (signal.SIGUSR2, signal.SIGTERM)}
    monkeypatch.setattr(submitted, "POLL_SEC", 0.0)
    monkeypatch.setattr(submitit.SlurmJob, "_results_timeout_s", 0)
    monkeypatch.setattr(runs, "rows_of", fake_rows)
    mock = Cluster(tmp_path / "logs")
    monkeypatch.setattr(subprocess, "call", mock)
    with mock.context():
        yield mock
    submitit.SlurmJob.watcher.clear()
    for number, handler in handlers.items():  # a job sets its own
        signal.signal(number, handler)


def fake_rows(study, job, seeds_at_once):
    """Runs that train nothing; `other` crashes at its second seed."""
    for seed in job.seeds:
        if job.variant == "other" and seed == 1:
            raise ValueError("no such thing\nand more of it")
        yield row(job.variant, seed, 0.1 * seed)


def slurm(cluster, at_once=None, seeds_at_once=None, **options):
    return submitted.slurm(
        "toy", find_study, at_once, seeds_at_once, cluster.logs, Slurm(**options)
    )


def test_a_cluster_is_handed_all_jobs_at_once_with_what_they_ask_for(cluster):
    execute = slurm(
        cluster,
        at_once=3,
        seeds_at_once=1,
        partition="big",
        minutes=30,
        memory_gb=16,
        cpus=4,
        gpus=1,
        extra=("account=lab", "constraint=a100|h100"),
    )
    rows = list(execute([PLAIN, PLAIN._replace(benchmark="grid25")], threading.Event()))
    assert sorted(one["seed"] for one in rows) == [0, 0, 1, 1]
    (script,) = cluster.scripts
    asked = {line for line in script.splitlines() if line.startswith("#SBATCH")}
    assert asked >= {
        "#SBATCH --partition=big",
        "#SBATCH --time=30",
        "#SBATCH --mem=16GB",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --gpus-per-node=1",
        "#SBATCH --account=lab",
        "#SBATCH --constraint='a100|h100'",
        "#SBATCH --job-name=cgan-toy",
        "#SBATCH --array=0-3%3",
    }


def test_a_job_that_fails_is_told_with_its_log_and_run_again_by_the_same_command(
    cluster, tmp_path, monkeypatch
):
    out = tmp_path / "results.jsonl"
    keep(out, bare())
    with pytest.raises(JobError, match="1 of 2 jobs failed, such as ring8, other") as error:
        session.run(STUDY, out, slurm(cluster))
    assert "ValueError: no such thing; see " in str(error.value)
    assert Path(re.search(r"see (\S+\.err)", str(error.value))[1]).parent == cluster.logs
    kept = [(one["variant"], one["seed"]) for one in read(out) if one["seed"] is not None]
    assert sorted(kept) == [("other", 0), ("plain", 0), ("plain", 1)]
    monkeypatch.setattr(runs, "rows_of", lambda study, job, _: [row(job.variant, *job.seeds, 0.3)])
    session.run(STUDY, out, slurm(cluster))
    assert read(out)[6:] == [row("other", 1, 0.3)]


def test_a_job_that_the_cluster_ends_has_failed(cluster):
    cluster.states["12_1"] = "TIMEOUT"
    rows = slurm(cluster)([PLAIN, OTHER], threading.Event())
    assert [next(rows)["seed"], next(rows)["seed"]] == [0, 1]
    with pytest.raises(JobError, match=r"returned nothing \(state TIMEOUT, UncompletedJobError\)"):
        next(rows)


def test_jobs_that_still_wait_are_canceled_where_no_more_is_to_be_begun(cluster):
    cluster.states["12_1"] = "PENDING"
    enough = threading.Event()
    rows = slurm(cluster)([PLAIN, OTHER], enough)
    first = next(rows)
    enough.set()
    assert [first["seed"], *(one["seed"] for one in rows)] == [0, 1]
    assert cluster.canceled == ["12_1"]


def test_jobs_are_canceled_where_nobody_waits_for_them_any_more(cluster):
    cluster.states["12_1"] = "RUNNING"
    rows = slurm(cluster)([PLAIN, OTHER], threading.Event())
    next(rows)
    rows.close()
    assert cluster.canceled == ["12_1"]


def test_a_cluster_that_refuses_the_jobs_is_quoted(cluster):
    cluster.refusal = "sbatch: error: invalid partition specified: big\n"
    rows = slurm(cluster, partition="big")([PLAIN], threading.Event())
    with pytest.raises(ConfigError, match="executor = 'slurm': did not take the jobs"):
        next(rows)


def test_without_slurm_or_submitit_one_message_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="executor = 'slurm': must be run where Slurm's commands"):
        submitted.slurm("toy", find_study, None, None, tmp_path, Slurm())
    monkeypatch.setitem(sys.modules, "submitit", None)
    for executor in (
        lambda: submitted.local(find_study, TWO_PLACES, None, tmp_path),
        lambda: submitted.slurm("toy", find_study, None, None, tmp_path, Slurm()),
    ):
        with pytest.raises(ConfigError, match=r"needs submitit \(.*\); must be 'processes', or"):
            executor()
    assert list(tmp_path.iterdir()) == []


def test_jobs_are_split_by_their_seeds_alone():
    bare_job, tuned = Job("ring8", None, None, (), ()), PLAIN._replace(seeds=(0, 1, 2))
    assert split_by_seeds([bare_job, tuned], None) == [bare_job, tuned]
    assert split_by_seeds([bare_job, tuned], 2) == [
        bare_job,
        tuned._replace(seeds=(0, 1)),
        tuned._replace(seeds=(2,)),
    ]


SIGNALED = """
import time
from eval.study.submitted import _InFlight, _canceled_at_the_end

class Handle:
    def cancel(self, check):
        print("cancelled", flush=True)

with _canceled_at_the_end([_InFlight(Handle(), None, None)] * 2):
    print("waits", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_what_is_in_flight_and_ends_at_once(number):
    process = subprocess.Popen(
        [sys.executable, "-c", SIGNALED],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "waits\n"
    process.send_signal(number)
    told, complained = process.communicate(timeout=30)
    assert told == "cancelled\n" * 2
    assert f"stopped by {number.name}" in complained
    assert process.returncode == 128 + number


@pytest.mark.parametrize(
    ("of_the_program", "of_the_place", "seen"),
    [("", {}, None), ("2,3", {}, "2,3"), ("2,3", {"CUDA_VISIBLE_DEVICES": "3"}, "3")],
)
def test_a_process_sees_the_gpu_of_its_place_or_those_of_the_program(
    of_the_program, of_the_place, seen
):
    script = f"""
import os
from eval.study.places import Place
from eval.study.submitted import _Program, _settle

_settle(_Program(os.getppid(), {of_the_program or None!r}), Place(0, 1, {of_the_place}))
print(os.environ.get("CUDA_VISIBLE_DEVICES"))
"""
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=hidden, capture_output=True, text=True
    )
    assert done.stdout == f"{seen}\n"


def test_a_process_of_this_machine_ends_with_the_program_that_waits_for_it():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    script = f"from eval.study.submitted import _end_with; _end_with({gone.pid})"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=30).returncode == 1
