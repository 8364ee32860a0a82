"""A checkpoint is resumed from only when all of it is there, byte for byte."""

import json
import shutil
from pathlib import Path

import pytest

import tiny
from regraft_trainer.checkpoint import MARKER, RESUME_STATE, publish_checkpoint, resume_problems


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    partial = tmp_path / ".partial" / "checkpoint-5"
    partial.mkdir(parents=True)
    for name in ("model.safetensors", "config.json", *RESUME_STATE):
        (partial / name).write_text(f"the bytes of {name}")
    final = tmp_path / "checkpoints" / "checkpoint-5"
    publish_checkpoint(partial, final, step=5, attempt=1)
    return final


def test_accepts_what_it_published(checkpoint: Path) -> None:
    assert resume_problems(checkpoint, 5) == []


def test_refuses_a_checkpoint_without_a_marker(checkpoint: Path) -> None:
    (checkpoint / MARKER).unlink()
    assert resume_problems(checkpoint, 5) == [
        "resumeFrom checkpoint-5 has no COMPLETE marker, so it may be half written; resume from an earlier one"
    ]


def test_refuses_a_file_of_another_size_and_a_file_with_other_bytes_and_a_file_that_is_gone(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").write_text("short")
    other = bytearray((checkpoint / "optimizer.pt").read_bytes())
    other[3] ^= 1
    (checkpoint / "optimizer.pt").write_bytes(other)
    (checkpoint / "config.json").unlink()
    problems = resume_problems(checkpoint, 5)
    assert len(problems) == 3
    assert "config.json is missing" in problems[0]
    assert "model.safetensors has 5 bytes, its marker says 30" in problems[1]
    assert "optimizer.pt has sha256" in problems[2]


@pytest.mark.parametrize("name", [*RESUME_STATE, "model.safetensors"])
def test_refuses_a_marked_checkpoint_that_lacks_a_part_of_the_state(
    checkpoint: Path, tmp_path: Path, name: str
) -> None:
    (checkpoint / name).unlink()
    (checkpoint / MARKER).unlink()
    final = tmp_path / "checkpoint-5"
    publish_checkpoint(checkpoint, final, step=5, attempt=1)
    (problem,) = resume_problems(final, 5)
    assert f"has no {name} (" in problem


def test_refuses_a_marker_that_is_torn_of_another_step_or_points_outside(checkpoint: Path) -> None:
    text = (checkpoint / MARKER).read_text()
    (checkpoint / MARKER).write_text(text[:20])
    assert "unreadable" in resume_problems(checkpoint, 5)[0]
    (checkpoint / MARKER).write_text(text)
    assert "step 5, expected" in resume_problems(checkpoint, 6)[0]
    marker = json.loads(text)
    marker["files"]["../../secret"] = {"sizeBytes": 1, "sha256": "0"}
    (checkpoint / MARKER).write_text(json.dumps(marker))
    assert resume_problems(checkpoint, 5) == ["resumeFrom checkpoint-5: ../../secret lies outside the checkpoint"]


def test_a_training_told_to_resume_from_weights_alone_exits_64_and_names_what_is_missing(
    root: Path, uninterrupted: Path
) -> None:
    run = tiny.make_run(root, "weights-only", attempt=2, resume_from="checkpoints/checkpoint-10")
    partial = run / "weights"
    partial.mkdir()
    for name in ("model.safetensors", "config.json", "trainer_state.json"):
        shutil.copy(uninterrupted / "checkpoints/checkpoint-10" / name, partial)
    publish_checkpoint(partial, run / "checkpoints/checkpoint-10", step=10, attempt=1)
    status, errors = tiny.train(run)
    assert status == 64
    assert tiny.error(run) == {
        "code": "TRAINER_CONFIG_INVALID",
        "message": "resumeFrom checkpoint-10 has no optimizer.pt (optimizer state); "
        "resumeFrom checkpoint-10 has no scheduler.pt (scheduler state); "
        "resumeFrom checkpoint-10 has no rng_state.pth (random-number state).",
    }
    assert tiny.error(run)["message"] in errors
    assert tiny.metrics(run) == []
