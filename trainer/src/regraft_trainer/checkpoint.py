"""Checkpoints that can be trusted: everything a resume needs, and a COMPLETE marker, written last, that proves it."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regraft_trainer.atomic_json import write_json_atomically
from regraft_trainer.model_folder import WEIGHTS

MARKER = "COMPLETE"
SCHEMA = "regraft.checkpoint/1"

# Without the first three, training resumes without an error and goes elsewhere.
RESUME_STATE = {
    "optimizer.pt": "optimizer state",
    "scheduler.pt": "scheduler state",
    "rng_state.pth": "random-number state",
    "trainer_state.json": "step and data position",
}
# FSDP names the optimizer's file otherwise or makes a folder of it; DeepSpeed has all of it in global_stepN/.
SHARDED_NAMES = {"optimizer.pt": r"optimizer[._]|global_step", "scheduler.pt": r"scheduler\.|global_step"}
ADAPTER = ("adapter/adapter_config.json", "adapter/adapter_model.safetensors")


def publish_checkpoint(
    partial: Path, final: Path, step: int, attempt: int, check_fence: Callable[[], None] = lambda: None
) -> None:
    """Marks a finished folder complete and moves it into place, over a checkpoint of the same step if there is one.

    A kill at any point leaves either no `final` or a complete one. `check_fence` is called right before the move, and
    ends it by raising.
    """
    files = {
        path.relative_to(partial).as_posix(): {"sizeBytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(partial.rglob("*"))
        if path.is_file() and path.name != MARKER
    }
    marker = {"schema": SCHEMA, "step": step, "attempt": attempt, "files": files}
    write_json_atomically(partial / MARKER, marker)
    check_fence()
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists():
        replaced = partial.with_name(f"{partial.name}.replaced")
        shutil.rmtree(replaced, ignore_errors=True)
        final.rename(replaced)
        partial.rename(final)
        shutil.rmtree(replaced)
    else:
        partial.rename(final)


def resume_problems(
    folder: Path, step: int, processes: int = 1, shards: bool = False, adapter: bool = False
) -> list[str]:
    """Why a training cannot resume from this folder, as sentences; empty when it can. Reads every byte.

    `processes` that train together have a random-number state each; `shards` is for FSDP and DeepSpeed, `adapter` for a
    recipe with an adapter.
    """
    name = folder.name
    marker_path = folder / MARKER
    if not folder.is_dir():
        return [f"resumeFrom {name} is not there"]
    if not marker_path.is_file():
        return [f"resumeFrom {name} has no {MARKER} marker, so it may be half written; resume from an earlier one"]
    try:
        marker: Any = json.loads(marker_path.read_text("utf-8"))
        marked_step, files = marker["step"], {str(k): (v["sizeBytes"], v["sha256"]) for k, v in marker["files"].items()}
        schema = marker["schema"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"resumeFrom {name}: its {MARKER} marker is unreadable ({error!r})"]
    if schema != SCHEMA or marked_step != step:
        return [f'resumeFrom {name}: its marker says "{schema}" step {marked_step}, expected "{SCHEMA}" step {step}']
    problems = [
        f"resumeFrom {name} has no {file} ({what})"
        for file, what in _needed(processes, adapter).items()
        if file not in files and not (shards and any(re.match(SHARDED_NAMES.get(file, "$"), each) for each in files))
    ]
    if not any(file in files for file in WEIGHTS):
        problems.append(f"resumeFrom {name} has no {WEIGHTS[0]} (weights)")
    for file, (size_bytes, sha256) in files.items():
        problem = _file_problem(folder, file, size_bytes, sha256)
        if problem is not None:
            problems.append(f"resumeFrom {name}: {file} {problem}")
    return problems


def _needed(processes: int, adapter: bool) -> dict[str, str]:
    needed = dict(RESUME_STATE)
    if processes > 1:
        what = needed.pop("rng_state.pth")
        needed |= {f"rng_state_{rank}.pth": f"{what} of process {rank}" for rank in range(processes)}
    return needed | {file: "adapter" for file in ADAPTER if adapter}


def _file_problem(folder: Path, file: str, size_bytes: int, sha256: str) -> str | None:
    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()):
        return "lies outside the checkpoint"
    if not path.is_file():
        return "is missing"
    if path.stat().st_size != size_bytes:
        return f"has {path.stat().st_size} bytes, its marker says {size_bytes}"
    found = sha256_of(path)
    return None if found == sha256 else f"has sha256 {found}, its marker says {sha256}"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
