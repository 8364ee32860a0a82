"""`python -m regraft_trainer.launch ACCELERATE_CONFIG RUN_FOLDER`: an attempt of several processes that looks like one.

`accelerate launch` starts the processes, and loses two parts of docs/trainer-contract.md that this brings back: the
exit status, of which it makes a 1, and the time to save after SIGTERM, of which it gives 30 seconds.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from regraft_trainer.process_group import PLACE, die_with_parent, first_failure, process_ids

POLL_SECONDS = 0.2
PASSED_ON = (signal.SIGTERM, signal.SIGUSR1)


class Launch:
    """Passes signals on to the trainers, and never to their launcher, which would end them on its own terms."""

    def __init__(self) -> None:
        self._asked: list[int] = []
        self._told: set[tuple[int, int]] = set()

    def install(self) -> None:
        for number in PASSED_ON:
            signal.signal(number, self._remember)

    def run(self, config: str, run_folder: str) -> int:
        """Runs the attempt to its end and returns its exit status: that of the first process that failed, else 0."""
        with tempfile.TemporaryDirectory(prefix="regraft-") as place:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-m", "accelerate.commands.launch", "--config_file", config),
                    *("-m", "regraft_trainer", run_folder),
                ],
                env={**os.environ, PLACE: place},
                start_new_session=True,  # a signal to our group must not reach it
                preexec_fn=die_with_parent,
            )
            while True:
                try:
                    status = child.wait(POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    self._pass_on(Path(place))
            failed = first_failure(Path(place))
        if status == 0 or failed is None:
            return status if status >= 0 else 1
        return failed

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self._asked.append(number)

    def _pass_on(self, place: Path) -> None:
        """A trainer that is not ready yet is told when it is; a stack dump is only for those that are there."""
        found = process_ids(place)
        for time, number in enumerate(self._asked):
            for pid in found:
                if (time, pid) not in self._told:
                    self._told.add((time, pid))
                    send(pid, number)


def send(pid: int, number: int) -> None:
    """Nothing happens when the process has ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    launch = Launch()
    launch.install()
    if len(sys.argv) != 3:
        print("usage: python -m regraft_trainer.launch ACCELERATE_CONFIG RUN_FOLDER", file=sys.stderr)
        sys.exit(64)
    sys.exit(launch.run(sys.argv[1], sys.argv[2]))
