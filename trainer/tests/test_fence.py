"""An attempt that another one has replaced writes nothing more."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

import tiny
from regraft_trainer import __main__ as program
from regraft_trainer.attempt import remove_staging
from regraft_trainer.errors import SupersededError
from regraft_trainer.fence import Fence


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    path = tmp_path / "job.json"
    path.write_text(json.dumps({"attempt": 3}))
    return path


def test_it_lets_its_own_attempt_pass_even_when_the_file_was_replaced_by_an_equal_one(job_file: Path) -> None:
    fence = Fence(job_file, 3)
    fence.check()
    replace(job_file, json.dumps({"attempt": 3, "more": True}))
    fence.check()


def test_it_reads_the_file_again_only_when_it_was_changed(job_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fence = Fence(job_file, 3)
    fence.check()
    monkeypatch.setattr(Path, "read_text", lambda *_: pytest.fail("read again"))
    fence.check()


@pytest.mark.parametrize("text", [json.dumps({"attempt": 4}), "{", "[]", json.dumps({"attempt": None})])
def test_it_stops_an_attempt_whose_file_says_anything_else(job_file: Path, text: str) -> None:
    fence = Fence(job_file, 3)
    fence.check()
    replace(job_file, text)
    with pytest.raises(SupersededError, match="this is attempt 3; it ends and writes nothing"):
        fence.check()
    with pytest.raises(SupersededError):
        fence.check()


def test_it_stops_an_attempt_whose_file_is_gone(job_file: Path) -> None:
    job_file.unlink()
    with pytest.raises(SupersededError, match="cannot be read any more"):
        Fence(job_file, 3).check()


def test_a_training_that_was_thought_dead_exits_76_and_leaves_the_folder_to_its_successor(root: Path) -> None:
    run = tiny.make_run(root, "replaced", steps=100_000, saveEvery=50, schedule="constant")
    process = tiny.start(run)
    wait_for_step(run, 3)
    process.send_signal(signal.SIGSTOP)
    while "T (stopped)" not in Path(f"/proc/{process.pid}/status").read_text():
        time.sleep(0.001)
    logged = (run / "metrics.jsonl").read_bytes()
    saved = tiny.checkpoints(run)
    replace(run / "job.json", json.dumps({**json.loads((run / "job.json").read_text()), "attempt": 2}))
    (run / "error.json").write_text("the successor's")
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 76, errors
    assert "job.json is for attempt 2 now, this is attempt 1" in errors
    after = (run / "metrics.jsonl").read_bytes()
    assert after.startswith(logged)
    assert after.count(b"\n") - logged.count(b"\n") <= 1  # the one whose turn it still was when it was stopped
    assert tiny.checkpoints(run) == saved
    assert (run / "error.json").read_text() == "the successor's"
    assert not (run / ".partial").exists()


def test_a_failure_of_a_replaced_attempt_is_no_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tiny.make_run(tmp_path, "run")

    def fail_after_being_replaced(*_: object) -> None:
        tiny.change_job(run, attempt=2)
        raise FileNotFoundError(".partial is gone")

    monkeypatch.setattr(program, "run_attempt", fail_after_being_replaced)
    assert program.main([str(run)]) == 76
    assert "this is attempt 1; it ends" in capsys.readouterr().err
    assert not (run / "error.json").exists()


def test_half_written_files_of_another_attempt_are_left_to_it(tmp_path: Path) -> None:
    for attempt in (1, 2):
        (tmp_path / f".partial/attempt-{attempt}/checkpoint-5").mkdir(parents=True)
    remove_staging(tmp_path, 1)
    assert [path.name for path in (tmp_path / ".partial").iterdir()] == ["attempt-2"]
    remove_staging(tmp_path, 2)
    remove_staging(tmp_path, 2)
    assert not (tmp_path / ".partial").exists()


def test_a_checkpoint_that_is_ready_is_not_moved_into_place_for_a_successor(tmp_path: Path, job_file: Path) -> None:
    from regraft_trainer.checkpoint import publish_checkpoint

    partial = tmp_path / "checkpoint-5"
    partial.mkdir()
    (partial / "model.safetensors").write_text("weights")
    with pytest.raises(SupersededError):
        publish_checkpoint(partial, tmp_path / "checkpoints/checkpoint-5", 5, 2, Fence(job_file, 2).check)
    assert not (tmp_path / "checkpoints").exists()


def replace(path: Path, text: str) -> None:
    """As a parent does it: by rename."""
    new = path.with_name("new.json")
    new.write_text(text)
    os.replace(new, path)  # noqa: PTH105 - the same call, and the name says it


def wait_for_step(run: Path, step: int) -> None:
    deadline = time.monotonic() + 120
    while not any(line["step"] >= step for line in tiny.metrics(run)):
        assert time.monotonic() < deadline, "the trainer logs nothing"
        time.sleep(0.001)
