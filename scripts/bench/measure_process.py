"""Runs a command and writes what it took as JSON: wallSeconds, peakBytes, exitCode.

    python measure_process.py RESULT.json COMMAND [ARGUMENT...]

Peak memory is the larger of two: the resident peak of the largest process that ended (ru_maxrss, exact), and the sum of
the resident peaks (VmHWM) over the processes that live at one time, looked at every 20 ms. Pages of files that a
process has mapped count as its own, as the kernel counts them. It is never less than this launcher's own 11 MB.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

POLL_SECONDS = 0.02


def main(result: Path, command: list[str]) -> int:
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    watcher = TreeWatcher(pid)
    watcher.start()
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - started
    peak = max(usage.ru_maxrss * 1024, watcher.stop())
    exit_code = os.waitstatus_to_exitcode(status)
    result.write_text(json.dumps({"wallSeconds": seconds, "peakBytes": peak, "exitCode": exit_code}))
    return exit_code if exit_code >= 0 else 128 - exit_code


class TreeWatcher(threading.Thread):
    """Looks at a process and all its descendants until it is stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._peak = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self._peak = max(self._peak, sum(resident_peak(pid) for pid in tree(self._pid)))

    def stop(self) -> int:
        """The largest sum seen, in bytes."""
        self._ended.set()
        self.join()
        return self._peak


def tree(pid: int) -> list[int]:
    """The process and its descendants; one that ends meanwhile is left out."""
    found = [pid]
    for parent in found:  # grows while it is walked
        found += children(parent)
    return found


def children(pid: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def resident_peak(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
