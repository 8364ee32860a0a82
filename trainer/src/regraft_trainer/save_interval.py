"""How often to save when the recipe says "auto": often enough to lose little, seldom enough to cost little."""

import math
from statistics import fmean, median

FAILURE_EVERY_SECONDS = 4 * 3600.0
"""Mean time between two ends that a training did not choose: preemptions, node failures, deployments."""
MEASURED_STEPS = 3
"""The first save comes after so many steps, in order to be measured."""


def steps_between_saves(
    step_seconds: float, save_seconds: float, failure_every_seconds: float = FAILURE_EVERY_SECONDS
) -> int:
    """Young and Daly's interval √(2 · save · time between failures), in whole steps, at least one.

    It balances the time spent on saving with the expected time lost to failures.
    """
    return max(1, round(math.sqrt(2 * save_seconds * failure_every_seconds) / step_seconds))


class SaveInterval:
    """Says when a save is due, from what the steps and saves of this attempt took so far.

    A resumed attempt measures anew: it may have another machine.
    """

    def __init__(self, first_step: int) -> None:
        self._last_save = first_step
        self._step_seconds: list[float] = []
        self._save_seconds: list[float] = []

    def add_step(self, seconds: float) -> None:
        self._step_seconds = [*self._step_seconds[-49:], max(seconds, 1e-6)]

    def add_save(self, step: int, seconds: float) -> None:
        self._last_save = step
        self._save_seconds = [*self._save_seconds[-4:], seconds]

    def is_due(self, step: int) -> bool:
        since = step - self._last_save
        if not self._save_seconds or not self._step_seconds:
            return since >= MEASURED_STEPS
        return since >= steps_between_saves(median(self._step_seconds), fmean(self._save_seconds))
