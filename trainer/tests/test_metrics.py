"""The log outlives the attempts that write it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from regraft_trainer.metrics import MetricsLog, StepMetrics

STEP = StepMetrics(1, 1, 0.1 + 0.2, 1 / 3, 2.0**-30, 0.01, 12, 4096, "cpu")


def test_floats_come_back_unrounded(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    log.append(STEP)
    log.close()
    line = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert (line["lossNats"], line["learningRate"], line["gradientNorm"]) == (0.1 + 0.2, 1 / 3, 2.0**-30)


def test_a_torn_last_line_is_kept_and_the_next_starts_on_its_own(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"attempt":1,"step":1}\n{"attempt":1,"st')
    log = MetricsLog(path)
    log.append(replace(STEP, attempt=2, step=2))
    log.close()
    lines = path.read_text().split("\n")
    assert lines[:2] == ['{"attempt":1,"step":1}', '{"attempt":1,"st']
    assert json.loads(lines[2])["step"] == 2


def test_a_value_that_json_cannot_say_is_refused(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    with pytest.raises(ValueError, match="JSON compliant"):
        log.append(replace(STEP, lossNats=float("nan")))
    log.close()
    assert (tmp_path / "metrics.jsonl").read_bytes() == b""
