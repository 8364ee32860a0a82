"""Losses that are finite and still say that a training went wrong."""

from dataclasses import dataclass
from statistics import median

WINDOW = 50
"""Losses the median is taken of."""
JUDGED_AFTER = 10
"""Losses there must be before the first is judged."""


@dataclass(frozen=True)
class Spikes:
    """The last losses, oldest first, and how many steps in a row were above the limit. A resume starts it empty."""

    losses: tuple[float, ...] = ()
    in_a_row: int = 0


def observe_loss(before: Spikes, loss: float, factor: float) -> Spikes:
    """Takes a step's loss in: it is a spike when above `factor` times the median of the losses before it."""
    judged = len(before.losses) >= JUDGED_AFTER
    is_spike = judged and loss > factor * median(before.losses)
    return Spikes((*before.losses, loss)[-WINDOW:], before.in_a_row + 1 if is_spike else 0)
