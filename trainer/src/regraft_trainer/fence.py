"""The attempt number as a fencing token: an attempt that another one has replaced writes nothing more."""

import json
from pathlib import Path

from regraft_trainer.errors import SupersededError


class Fence:
    """Asks job.json whose turn it is. Costs one `stat` as long as nobody replaces the file."""

    def __init__(self, job_file: Path, attempt: int) -> None:
        self._job_file = job_file
        self._attempt = attempt
        self._seen: tuple[int, int, int] | None = None

    def check(self) -> None:
        """Raises SupersededError when job.json names another attempt, or cannot be read: then it is not ours either."""
        try:
            status = self._job_file.stat()
            now = (status.st_ino, status.st_mtime_ns, status.st_size)
            if now == self._seen:
                return
            attempt = json.loads(self._job_file.read_text("utf-8"))["attempt"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._superseded(f"cannot be read any more ({error!r})") from None
        if attempt != self._attempt:
            raise self._superseded(f"is for attempt {attempt} now")
        self._seen = now

    def _superseded(self, what: str) -> SupersededError:
        return SupersededError(f"{self._job_file} {what}, this is attempt {self._attempt}; it ends and writes nothing.")
