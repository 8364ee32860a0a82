"""Killed or stopped, a training ends in the bytes it would have ended in anyway."""

import json
import shutil
import signal
from pathlib import Path

import pytest

import tiny

STEPS = tiny.RECIPE["steps"]


def test_a_training_logs_every_step_and_leaves_a_checkpoint_at_each_interval_and_at_the_end(
    uninterrupted: Path,
) -> None:
    lines = tiny.metrics(uninterrupted)
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    assert set(lines[0]) == {
        *("attempt", "step", "lossNats", "learningRate", "gradientNorm", "stepSeconds", "tokensSeen", "memoryBytes"),
        *("device", "time"),
    }
    assert tiny.checkpoints(uninterrupted) == [5, 10, 15, 20, 24]
    assert sorted(path.name for path in uninterrupted.iterdir()) == ["checkpoints", "job.json", "metrics.jsonl"]
    assert lines[-1]["lossNats"] < lines[0]["lossNats"]


def test_tokens_seen_counts_the_tokens_of_the_rows_and_no_padding(root: Path, uninterrupted: Path) -> None:
    rows = [json.loads(line) for line in (root / "train.jsonl").read_text().splitlines()]
    one_pass = sum(len(row["prompt"]) + len(row["completion"]) + 2 for row in rows)  # bos and eos
    steps_a_pass = -(-tiny.ROWS // tiny.RECIPE["batchSize"])
    assert tiny.metrics(uninterrupted)[steps_a_pass - 1]["tokensSeen"] == one_pass


def test_a_checkpoint_is_a_whole_model_folder_with_the_files_of_the_model_it_came_from(
    root: Path, uninterrupted: Path
) -> None:
    checkpoint = uninterrupted / "checkpoints" / "checkpoint-24"
    carried = [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    ]
    for name in carried:
        assert (checkpoint / name).read_bytes() == (root / "model" / name).read_bytes(), name
    marker = json.loads((checkpoint / "COMPLETE").read_text())
    assert (marker["schema"], marker["step"], marker["attempt"]) == ("regraft.checkpoint/1", 24, 1)
    state = ["model.safetensors", "optimizer.pt", "rng_state.pth", "scheduler.pt", "trainer_state.json"]
    assert sorted(marker["files"]) == sorted(carried + state)


# Killed after 17, 15 is the newest; killed after 8, 5 is, and the pass over the data ends in between.
@pytest.mark.parametrize("killed_after", [17, 8])
def test_kill_9_and_a_resume_give_the_same_losses_gradient_norms_and_weights(
    root: Path, uninterrupted: Path, killed_after: int
) -> None:
    run = tiny.make_run(root, f"killed-{killed_after}")
    assert tiny.train_until(run, killed_after, signal.SIGKILL) == -signal.SIGKILL
    newest = tiny.checkpoints(run)[-1]
    assert killed_after - tiny.RECIPE["saveEvery"] < newest < STEPS
    before = (run / "metrics.jsonl").read_bytes()
    tiny.make_run(root, run.name, attempt=2, resume_from=f"checkpoints/checkpoint-{newest}")
    assert tiny.train(run) == (0, "")
    assert (run / "metrics.jsonl").read_bytes().startswith(before)
    replayed = [line["step"] for line in tiny.metrics(run) if line["attempt"] == 2]
    assert replayed == list(range(newest + 1, STEPS + 1))
    assert tiny.curve(run) == tiny.curve(uninterrupted)
    assert tiny.weights_digest(run, STEPS) == tiny.weights_digest(uninterrupted, STEPS)


def test_sigterm_leaves_a_checkpoint_at_the_next_step_exits_75_and_resumes_identically(
    root: Path, uninterrupted: Path
) -> None:
    run = tiny.make_run(root, "stopped")
    assert tiny.train_until(run, 7, signal.SIGTERM) == 75
    stopped_at = tiny.metrics(run)[-1]["step"]
    assert tiny.checkpoints(run)[-1] == stopped_at < STEPS
    assert not (run / "error.json").exists()
    tiny.make_run(root, run.name, attempt=2, resume_from=f"checkpoints/checkpoint-{stopped_at}")
    assert tiny.train_here(run) == 0
    assert tiny.curve(run) == tiny.curve(uninterrupted)
    assert tiny.weights_digest(run, STEPS) == tiny.weights_digest(uninterrupted, STEPS)


def test_sigterm_while_starting_exits_75_before_any_step(root: Path) -> None:
    run = tiny.make_run(root, "stopped-early")
    process = tiny.start(run)
    tiny.wait_until_it_catches(process, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 75, errors
    assert "nothing is lost" in errors
    assert tiny.metrics(run) == []


def test_a_checkpoint_of_the_same_step_is_replaced_whole_when_training_passes_it_again(
    root: Path, uninterrupted: Path
) -> None:
    run = root / "replayed"
    shutil.copytree(uninterrupted, run)
    (run / "checkpoints/checkpoint-24/model.safetensors").write_bytes(b"damaged")
    tiny.make_run(root, run.name, attempt=2, resume_from="checkpoints/checkpoint-20")
    assert tiny.train_here(run) == 0
    assert json.loads((run / "checkpoints/checkpoint-24/COMPLETE").read_text())["attempt"] == 2
    assert tiny.weights_digest(run, 24) == tiny.weights_digest(uninterrupted, 24)
    assert not (run / ".partial").exists()


def test_a_resume_at_the_last_step_has_nothing_to_do(root: Path, uninterrupted: Path) -> None:
    run = root / "finished"
    shutil.copytree(uninterrupted, run)
    tiny.make_run(root, run.name, attempt=2, resume_from="checkpoints/checkpoint-24")
    assert tiny.train_here(run) == 0
    assert (run / "metrics.jsonl").read_bytes() == (uninterrupted / "metrics.jsonl").read_bytes()
