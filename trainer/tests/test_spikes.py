"""A loss that stays far above what it was ends a training that asked for it."""

from pathlib import Path

import pytest

import tiny
from regraft_trainer.spikes import JUDGED_AFTER, WINDOW, Spikes, observe_loss


@pytest.mark.parametrize(
    ("losses", "in_a_row"),
    [
        ([], 0),
        ([1.0] * 20, 0),
        ([1.0] * 20 + [2.0], 0),  # at the limit, not above
        ([1.0] * 20 + [2.1], 1),
        ([1.0] * 20 + [2.1, 3.0, 9.0], 3),
        ([1.0] * 20 + [2.1, 3.0, 1.9, 9.0], 1),
        ([1.0] * (JUDGED_AFTER - 1) + [9.0], 0),  # too early to say
        ([1.0] * JUDGED_AFTER + [9.0], 1),
        ([9.0] * 60 + [1.0] * (WINDOW // 2 + 1) + [2.1], 1),  # the median is that of the last 50
        ([9.0] * 60 + [1.0] * (WINDOW // 2 - 1) + [2.1], 0),
    ],
)
def test_a_spike_is_a_loss_above_the_factor_times_the_median_of_the_losses_before_it(
    losses: list[float], in_a_row: int
) -> None:
    spikes = Spikes()
    for loss in losses:
        spikes = observe_loss(spikes, loss, factor=2.0)
    assert spikes.in_a_row == in_a_row
    assert len(spikes.losses) == min(len(losses), WINDOW)


def test_a_training_whose_loss_stays_high_exits_70_and_saves_nothing_of_the_last_step(
    root: Path,
) -> None:
    wild = {"learningRate": 3.0, "schedule": "constant", "warmupSteps": 12, "maxGradientNorm": 0, "saveEvery": 1}
    run = tiny.make_run(root, "spikes", **wild, divergence={"spikeFactor": 1.3, "patience": 2})
    assert tiny.train_here(run) == 70
    report = tiny.error(run)
    assert report["code"] == "TRAINER_DIVERGED"
    assert "the last of 2 in a row above 1.3 times the median" in report["message"]
    steps = [line["step"] for line in tiny.metrics(run)]
    assert f"step {steps[-1]} has loss" in report["message"]
    assert JUDGED_AFTER < steps[-1] < tiny.RECIPE["steps"]
    assert tiny.checkpoints(run) == steps[:-1]


def test_without_the_rule_the_same_training_goes_on(root: Path) -> None:
    wild = {"learningRate": 3.0, "schedule": "constant", "warmupSteps": 12, "maxGradientNorm": 0, "saveEvery": 24}
    assert tiny.train_here(tiny.make_run(root, "wild", **wild)) == 0
