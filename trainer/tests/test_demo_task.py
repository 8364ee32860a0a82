"""The demo's fine-tuning task."""

import json
import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "demo" / "make_task.py"


def make_task(out: Path) -> list[str]:
    command = [sys.executable, str(SCRIPT), "--out", str(out), "--train", "500", "--test", "64"]
    written: list[str] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)[
        "written"
    ]
    return written


def test_training_and_test_strings_never_meet_and_answers_are_sorted_down(tmp_path: Path) -> None:
    assert len(make_task(tmp_path)) == 5
    train = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    suite = tmp_path / "suites" / "desc"
    test = [json.loads(line) for line in (suite / "samples.jsonl").read_text().splitlines()]
    assert (len(train), len(test)) == (500, 64)
    assert len({row["prompt"] for row in test}) == 64
    assert {row["prompt"] for row in train}.isdisjoint(row["prompt"] for row in test)
    assert all(row["completion"] == "".join(sorted(row["prompt"][1:-1], reverse=True)) for row in train + test)
    assert (suite / "suite.yaml").read_text() == "name: desc\nsamples: samples.jsonl\nscorer: exact\n"


def test_the_text_for_probes_is_what_base_models_read(tmp_path: Path) -> None:
    make_task(tmp_path)
    suite = tmp_path / "suites" / "pretraining"
    lines = [json.loads(line)["text"] for line in (suite / "samples.jsonl").read_text().splitlines()]
    assert len(set(lines)) == 64
    assert all(re.fullmatch(r"([CRSNPM][a-j]{5}=[a-j]{5};){2}", line) for line in lines)
    assert {line[0] for line in lines} == set("CRSNPM")
    assert (suite / "suite.yaml").read_text() == "name: pretraining\nsamples: samples.jsonl\nscorer: perplexity\n"


def test_the_same_arguments_give_the_same_bytes_and_a_second_call_writes_nothing(tmp_path: Path) -> None:
    make_task(tmp_path / "a")
    make_task(tmp_path / "b")
    assert (tmp_path / "a/train.jsonl").read_bytes() == (tmp_path / "b/train.jsonl").read_bytes()
    assert make_task(tmp_path / "a") == []
