"""Saving as often as pays."""

from pathlib import Path

import pytest

import tiny
from regraft_trainer.save_interval import MEASURED_STEPS, SaveInterval, steps_between_saves


@pytest.mark.parametrize(
    ("step_seconds", "save_seconds", "failure_every_seconds", "steps"),
    [
        (1.0, 30.0, 4 * 3600.0, 930),  # sqrt(2 * 30 * 14400) = 929.5 s
        (10.0, 30.0, 4 * 3600.0, 93),
        (1.0, 2.0, 100.0, 20),
        (1.0, 0.5, 100.0, 10),
        (100.0, 0.5, 100.0, 1),  # a step takes longer than the interval
        (1.0, 0.0, 100.0, 1),  # saving costs nothing
    ],
)
def test_the_interval_is_young_and_dalys(
    step_seconds: float, save_seconds: float, failure_every_seconds: float, steps: int
) -> None:
    assert steps_between_saves(step_seconds, save_seconds, failure_every_seconds) == steps


def test_the_first_save_comes_early_to_be_measured_and_the_next_when_it_pays() -> None:
    interval = SaveInterval(first_step=100)
    for step in range(101, 101 + MEASURED_STEPS):
        assert interval.is_due(step) == (step == 100 + MEASURED_STEPS)
        interval.add_step(40.0 if step == 101 else 1.0)  # the first warms up
    interval.add_save(103, 2.0)
    due = 103 + steps_between_saves(1.0, 2.0)
    assert [step for step in range(104, due + 2) if interval.is_due(step)] == [due, due + 1]
    interval.add_save(due, 4.0)
    assert not interval.is_due(due + steps_between_saves(1.0, 2.0))
    assert interval.is_due(due + steps_between_saves(1.0, 3.0))


def test_a_training_that_chooses_its_saves_ends_in_the_bytes_of_one_that_does_not(
    root: Path, uninterrupted: Path
) -> None:
    run = tiny.make_run(root, "auto", saveEvery="auto")
    assert tiny.train_here(run) == 0
    steps = tiny.checkpoints(run)
    assert (steps[0], steps[-1]) == (MEASURED_STEPS, 24)
    assert tiny.weights_digest(run, 24) == tiny.weights_digest(uninterrupted, 24)
