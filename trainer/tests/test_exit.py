"""What the process says about failures that come from outside its own checks."""

from pathlib import Path

import pytest

import tiny
from regraft_trainer import __main__ as program


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tiny.make_run(tmp_path, "run")


def test_memory_that_torch_cannot_get_exits_71(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    monkeypatch.setattr(program, "run", lambda _: torch.empty(2**50))
    assert program.main([str(run)]) == 71
    assert tiny.error(run)["code"] == "TRAINER_OUT_OF_MEMORY"
    assert "lower recipe.microBatchSize" in capsys.readouterr().err


def test_any_other_failure_exits_1_with_a_traceback_on_stderr(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "run", lambda _: {}["gone"])
    assert program.main([str(run)]) == 1
    assert tiny.error(run) == {"code": "TRAINER_FAILED", "message": "the trainer failed: KeyError: 'gone'."}
    assert "Traceback" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main([str(tmp_path / "nowhere")]) == 64
    assert program.main([]) == 64
    assert "usage: python -m regraft_trainer RUN_FOLDER" in capsys.readouterr().err
