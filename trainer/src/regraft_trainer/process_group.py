"""What the processes of an attempt tell the launcher that waits for them: who they are, and how they ended."""

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

PLACE = "REGRAFT_LAUNCH_FOLDER"
"""Environment variable with the folder they tell it in; not set without regraft_trainer.launch."""
PR_SET_PDEATHSIG = 1


def tell_process_id() -> None:
    """To be called once the process can take signals."""
    place = os.environ.get(PLACE)
    if place is not None:
        (Path(place) / f"pid-{os.getpid()}").touch()


def tell_exit_status(status: int) -> None:
    place = os.environ.get(PLACE)
    if place is not None:
        file = os.open(Path(place) / "statuses", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{status}\n".encode())
        os.close(file)


def process_ids(place: Path) -> list[int]:
    return [int(path.name.removeprefix("pid-")) for path in place.glob("pid-*")]


def first_failure(place: Path) -> int | None:
    """The first exit status that is not 0: the failures after it are mostly its consequences."""
    path = place / "statuses"
    statuses = [int(line) for line in path.read_text("ascii").split()] if path.exists() else []
    return next((status for status in statuses if status != 0), None)


def end_at_once(status: int) -> NoReturn:
    """Ends one of several processes whose work is done, without taking the interpreter apart.

    The threads of torch's process group are alive then, and now and again one of them is destroyed before it has ended:
    that is a SIGABRT, which torch's launcher takes for a failure and ends the other processes for, which may be saving.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def die_with_parent() -> None:
    """A SIGKILL of the process that started this one ends this one too: no GPU is held for a training nobody has.

    Linux only; elsewhere nothing happens. torch's launcher puts every process in a session of its own, so that a signal
    to the group of the launcher does not reach them.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
