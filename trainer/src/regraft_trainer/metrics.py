"""metrics.jsonl: one line a step, appended, never rewritten."""

import json
import os
import resource
import sys
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path


@dataclass(frozen=True)
class StepMetrics:
    """What one optimizer step measured; the field names are those of the file. Floats are unrounded."""

    attempt: int
    step: int
    """Steps done, this one included; the first is 1."""
    lossNats: float  # noqa: N815 - the file's name
    """Mean over the batch's completion tokens, before the update."""
    learningRate: float  # noqa: N815
    """The rate this step's update used."""
    gradientNorm: float  # noqa: N815
    """L2 norm over all parameters before clipping."""
    stepSeconds: float  # noqa: N815
    """Forward, backward and update; no data loading, no checkpoint."""
    tokensSeen: int  # noqa: N815
    """Prompt and completion tokens consumed since step 0 of the training, earlier attempts included; no padding."""
    memoryBytes: int  # noqa: N815
    """The most that this process has had so far: on the GPU where it trains on one, else resident."""
    device: str
    """cpu or cuda."""


class MetricsLog:
    """Appends whole lines: one write call a line. A torn last line of a dead attempt stays torn."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        size_bytes = os.fstat(self._file).st_size
        if size_bytes > 0 and os.pread(self._file, 1, size_bytes - 1) != b"\n":
            os.write(self._file, b"\n")

    def append(self, metrics: StepMetrics) -> None:
        """Raises ValueError for a value that JSON cannot say (NaN, infinity)."""
        line = {**asdict(metrics), "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds")}
        rest = memoryview((json.dumps(line, allow_nan=False) + "\n").encode())
        while rest:  # a disk that fills up takes a part first, and says so at the next call
            rest = rest[os.write(self._file, rest) :]

    def close(self) -> None:
        os.close(self._file)


def peak_resident_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
