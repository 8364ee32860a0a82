"""A disk that fills up ends the training with a code of its own, and costs nothing that was complete."""

import errno
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from safetensors import SafetensorError

import tiny
from regraft_trainer.atomic_json import write_json_atomically
from regraft_trainer.errors import DiskFullError, OutOfMemoryError
from regraft_trainer.failures import classify
from regraft_trainer.metrics import MetricsLog, StepMetrics


@contextmanager
def file_size_limit(size_bytes: int) -> Iterator[None]:
    """What a full disk looks like, for files above the limit: a write falls short, the next fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "in another language"),
        OSError(errno.EFBIG, "in another language"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:869] . PytorchStreamWriter failed writing file data/0"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 58304 vs 58192"),
        RuntimeError("basic_ios::clear: iostream error"),
    ],
)
def test_every_way_of_saying_that_there_is_no_room_is_understood(error: Exception) -> None:
    assert isinstance(classify(error), DiskFullError)
    wrapped = ValueError("could not save")
    wrapped.__cause__ = error
    assert isinstance(classify(wrapped), DiskFullError)


def test_other_failures_are_not_taken_for_it() -> None:
    assert classify(OSError(errno.EACCES, "Permission denied")) is None
    assert classify(RuntimeError("shapes do not match")) is None
    assert isinstance(classify(MemoryError()), OutOfMemoryError)
    assert isinstance(classify(type("OutOfMemoryError", (RuntimeError,), {})("CUDA")), OutOfMemoryError)


@pytest.mark.parametrize("limit", [15_000, 40_000])
def test_a_checkpoint_that_finds_no_room_exits_73_and_the_earlier_ones_stay(
    root: Path, uninterrupted: Path, limit: int
) -> None:
    run = root / f"no-room-{limit}"
    shutil.copytree(uninterrupted, run)
    for step in (15, 20, 24):
        shutil.rmtree(run / f"checkpoints/checkpoint-{step}")
    before = {path: path.read_bytes() for path in run.glob("checkpoints/*/*")}
    tiny.make_run(root, run.name, attempt=2, resume_from="checkpoints/checkpoint-10")
    with file_size_limit(limit):
        assert tiny.train_here(run) == 73
    assert tiny.error(run)["code"] == "TRAINER_DISK_FULL"
    assert "no room left to write" in tiny.error(run)["message"]
    assert {path: path.read_bytes() for path in run.glob("checkpoints/*/*")} == before
    assert not (run / ".partial").exists()


def test_a_metrics_line_or_a_small_file_that_finds_no_room_is_an_error_and_leaves_no_half_file(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    with file_size_limit(100):
        with pytest.raises(OSError, match="File too large") as caught:
            log.append(StepMetrics(1, 1, 1 / 3, 1 / 3, 1 / 3, 0.01, 12, 4096, "cpu"))
        with pytest.raises(OSError, match="File too large"):
            write_json_atomically(tmp_path / "error.json", {"message": "x" * 200})
    assert isinstance(classify(caught.value), DiskFullError)
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]
