"""A training that blows up says so, and saves nothing of it."""

from pathlib import Path

import pytest

import tiny


def test_a_loss_that_is_not_finite_exits_70_and_no_damaged_checkpoint_is_left(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tiny.make_run(root, "diverged", learningRate=1e30, warmupSteps=3, saveEvery=1, schedule="constant")
    (run / "error.json").write_text('{"code": "OLD", "message": "an earlier attempt"}')
    assert tiny.train_here(run) == 70
    report = tiny.error(run)
    assert report["code"] == "TRAINER_DIVERGED"
    assert "not finite" in report["message"] or "expected finite numbers" in report["message"]
    assert report["message"] in capsys.readouterr().err
    logged = [line["step"] for line in tiny.metrics(run)]
    assert 1 <= len(logged) < tiny.RECIPE["steps"]
    assert all(step <= logged[-1] for step in tiny.checkpoints(run))
