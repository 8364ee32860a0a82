"""The demo's lab: one real pretraining run that drops a release as it passes each milestone.

python scripts/demo/pretrain.py --family demo/family --state demo/pretraining --releases 1200,400,400,400

Each release is a whole model folder DIR/M1, DIR/M2, … that appears by a rename. State is kept every 200 steps and at
each release: killed or stopped (SIGTERM, SIGINT), the same command goes on and makes the same bytes. When all releases
are there it does nothing. Of two processes with one state, the second waits until the first has ended. Prints JSON
lines: progress every 100 steps, and one for each release.
"""

import argparse
import fcntl
import gc
import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TextIO


class Stop:
    """Set by SIGTERM or SIGINT; installed before torch is imported."""

    def __init__(self) -> None:
        self.requested = False
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._request)

    def _request(self, _signal: int, _frame: FrameType | None) -> None:
        self.requested = True


def main() -> None:
    stop = Stop()
    options = parse_options()
    if all((options.family / f"M{i}").is_dir() for i in range(1, len(options.releases) + 1)):
        print(json.dumps({"event": "done", "releases": len(options.releases)}))
        return
    options.state.mkdir(parents=True, exist_ok=True)
    os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    gc.disable()  # the libraries make a million objects that stay: looking through them costs 2 s of start and end
    from pretraining_run import PretrainingRun

    gc.freeze()
    gc.enable()
    with (options.state / "lock").open("w") as lock:
        if not take(lock, stop):
            return
        run = PretrainingRun(options)
        run.restore()
        run.go(lambda: stop.requested)


def take(lock: TextIO, stop: Stop) -> bool:
    """Waits for the lock; the system lets go of it when its holder ends, however it ends. False when told to stop."""
    while not stop.requested:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.2)
    return False


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", type=Path, required=True, help="where releases appear")
    parser.add_argument("--state", type=Path, required=True, help="where the run keeps what it needs to go on")
    parser.add_argument("--releases", type=step_counts, default=[1200, 400, 400, 400], help="steps to each release")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--hidden-size", type=int, default=64)
    parser.add_argument("--max-position-embeddings", type=int, default=64)
    parser.add_argument("--save-every", type=int, default=200, help="steps between saved states")
    return parser.parse_args()


def step_counts(text: str) -> list[int]:
    counts = [int(part) for part in text.split(",")]
    if min(counts) < 1:
        raise argparse.ArgumentTypeError("each release needs at least one step")
    return counts


if __name__ == "__main__":
    main()
