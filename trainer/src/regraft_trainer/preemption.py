"""SIGTERM as a request: finish the step, leave a checkpoint, exit 75."""

import signal
from types import FrameType


class Preemption:
    """Remembers that SIGTERM came. Install it before importing torch: until then the signal would kill silently."""

    def __init__(self) -> None:
        self.requested = False

    def install(self) -> None:
        """Takes SIGTERM over for the rest of the process. Installing twice changes nothing."""
        signal.signal(signal.SIGTERM, self._remember)

    def _remember(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True
