"""The demo's pretraining run makes the same releases however often it is stopped."""

import fcntl
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from tokenizers import Tokenizer

SCRIPT = Path(__file__).parents[2] / "scripts" / "demo" / "pretrain.py"
SIZE = ["--releases", "30,40,20", "--hidden-size", "16", "--batch-size", "4", "--save-every", "7"]
FILES = ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def start(root: Path) -> subprocess.Popen[str]:
    places = ["--family", str(root / "family"), "--state", str(root / "state")]
    return subprocess.Popen([sys.executable, str(SCRIPT), *places, *SIZE], stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, list[dict[str, object]]]:
    out, _ = process.communicate(timeout=120)
    return process.returncode, [json.loads(line) for line in out.splitlines()]


def stop_after_first_release(root: Path, how: signal.Signals) -> int:
    process = start(root)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "release":
            process.send_signal(how)
            break
    return finish(process)[0]


def releases(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root / "family").as_posix(): path.read_bytes()
        for path in sorted((root / "family").rglob("*"))
        if path.is_file()
    }


def test_stopped_or_killed_and_started_again_it_gives_the_same_releases_byte_for_byte(tmp_path: Path) -> None:
    status, lines = finish(start(tmp_path / "whole"))
    assert status == 0
    assert [line["release"] for line in lines if line["event"] == "release"] == ["M1", "M2", "M3"]
    whole = releases(tmp_path / "whole")
    assert sorted(whole) == [f"M{i}/{name}" for i in (1, 2, 3) for name in FILES]
    assert whole["M1/model.safetensors"] != whole["M2/model.safetensors"]

    assert stop_after_first_release(tmp_path / "stopped", signal.SIGTERM) == 0
    assert 1 <= len(list((tmp_path / "stopped/family").glob("M*"))) < 3
    assert stop_after_first_release(tmp_path / "stopped", signal.SIGKILL) == -signal.SIGKILL
    assert finish(start(tmp_path / "stopped"))[0] == 0
    assert releases(tmp_path / "stopped") == whole

    status, lines = finish(start(tmp_path / "whole"))
    assert (status, lines) == (0, [{"event": "done", "releases": 3}])


def test_two_at_a_time_on_one_state_take_turns(tmp_path: Path) -> None:
    both = [start(tmp_path), start(tmp_path)]
    ended = [finish(process) for process in both]
    assert [status for status, _ in ended] == [0, 0]
    dropped = [line["release"] for _, lines in ended for line in lines if line["event"] == "release"]
    assert sorted(map(str, dropped)) == ["M1", "M2", "M3"]


def test_one_that_waits_for_its_turn_ends_when_told_to(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with (tmp_path / "state" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = start(tmp_path)
        time.sleep(8)
        process.send_signal(signal.SIGTERM)
        assert finish(process) == (0, [])
    assert not (tmp_path / "family").exists()


def test_its_tokenizer_makes_one_token_of_a_character_and_begins_with_bos(tmp_path: Path) -> None:
    sys.path.insert(0, str(SCRIPT.parent))
    from character_tokenizer import write_tokenizer
    from task import CHARACTERS

    write_tokenizer(tmp_path, 64)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == 64
    assert [tokenizer.token_to_id(token) for token in ("<pad>", "<bos>", "<eos>")] == [0, 1, 2]
    assert tokenizer.encode(CHARACTERS).ids == [1, *range(3, 3 + len(CHARACTERS))]
    assert tokenizer.decode(tokenizer.encode("?abc>").ids) == "?abc>"
