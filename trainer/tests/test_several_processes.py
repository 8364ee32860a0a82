"""Several processes are one training: one log, one set of checkpoints, one end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tiny

CONFIG = """
compute_environment: LOCAL_MACHINE
distributed_type: MULTI_GPU  # without a GPU that is gloo
num_machines: 1
num_processes: 2
machine_rank: 0
main_process_port: 0
mixed_precision: 'no'
"""
RECIPE = {"steps": 6, "microBatchSize": 2, "saveEvery": 100}  # all in the first pass: 6 batches of 8 of 50 rows


def start(run: Path, **variables: str) -> subprocess.Popen[str]:
    (run / "accelerate.yaml").write_text(CONFIG)
    command = [sys.executable, "-m", "regraft_trainer.launch", str(run / "accelerate.yaml"), str(run)]
    return subprocess.Popen(
        command,
        cwd="/",
        env={**tiny.environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_two_processes_stop_together_resume_and_train_what_one_would(tmp_path: Path) -> None:
    tiny.make_calm_model(tmp_path)
    alone = tiny.make_run(tmp_path, "alone", **RECIPE)
    assert tiny.train_here(alone) == 0
    run = tiny.make_run(tmp_path, "two", **RECIPE)
    process = start(run)
    # Six steps can be over before the launcher looks again: it is told now, and tells the processes as they appear.
    tiny.wait_until_it_catches(process, signal.SIGTERM)
    os.killpg(process.pid, signal.SIGTERM)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 75, output
    (stopped_at,) = tiny.checkpoints(run)
    assert [line["step"] for line in tiny.metrics(run)] == list(range(1, stopped_at + 1))
    checkpoint = run / f"checkpoints/checkpoint-{stopped_at}"
    assert (checkpoint / "rng_state_0.pth").is_file()
    assert (checkpoint / "rng_state_1.pth").is_file()

    tiny.make_run(tmp_path, "two", attempt=2, resume_from=f"checkpoints/checkpoint-{stopped_at}", **RECIPE)
    process = start(run)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    assert [line["step"] for line in tiny.metrics(run)] == list(range(1, 7))
    assert tiny.checkpoints(run) == [stopped_at, 6]
    for step, (loss, gradient_norm, rate, tokens) in tiny.curve(alone).items():
        found = tiny.curve(run)[step]
        assert found == (pytest.approx(loss, abs=1e-5), pytest.approx(gradient_norm, abs=1e-5), rate, tokens)


def test_a_process_that_is_done_is_not_taken_apart(tmp_path: Path) -> None:
    # What torch's threads do at an exit now and again, every time.
    abort = "import atexit, os\nif 'RANK' in os.environ: atexit.register(os.abort)\n"
    (tmp_path / "sitecustomize.py").write_text(abort)
    tiny.make_calm_model(tmp_path)
    run = tiny.make_run(tmp_path, "two", **{**RECIPE, "steps": 1})
    process = start(run, PYTHONPATH=f"{tmp_path}{os.pathsep}{tiny.SOURCE}")
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    assert tiny.checkpoints(run) == [1]


def test_a_checkpoint_of_one_process_is_no_place_for_two_to_resume_from(root: Path, uninterrupted: Path) -> None:
    from regraft_trainer.checkpoint import resume_problems

    assert resume_problems(uninterrupted / "checkpoints/checkpoint-10", 10, processes=2) == [
        "resumeFrom checkpoint-10 has no rng_state_0.pth (random-number state of process 0)",
        "resumeFrom checkpoint-10 has no rng_state_1.pth (random-number state of process 1)",
    ]


def test_the_first_exit_status_that_is_not_0_is_that_of_the_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from regraft_trainer.process_group import PLACE, first_failure, process_ids, tell_exit_status, tell_process_id

    assert first_failure(tmp_path) is None
    monkeypatch.setenv(PLACE, str(tmp_path))
    tell_process_id()
    for status in (0, 71, 1):
        tell_exit_status(status)
    assert first_failure(tmp_path) == 71
    assert process_ids(tmp_path) == [os.getpid()]
