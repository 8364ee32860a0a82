"""All that one process of one attempt goes by."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from regraft_trainer.fence import Fence
from regraft_trainer.job import Job
from regraft_trainer.model_folder import ModelFolder
from regraft_trainer.preemption import Preemption
from regraft_trainer.ranks import Ranks


@dataclass(frozen=True)
class Attempt:
    job: Job
    run_folder: Path
    model_folder: ModelFolder
    preemption: Preemption
    fence: Fence
    ranks: Ranks

    @property
    def staging(self) -> Path:
        """Where half-written things are. Each attempt has its own: one that was thought dead may still write."""
        return staging_of(self.run_folder, self.job.attempt)

    @property
    def checkpoints(self) -> Path:
        return self.run_folder / "checkpoints"

    def remove_staging(self) -> None:
        remove_staging(self.run_folder, self.job.attempt)


def remove_staging(run_folder: Path, attempt: int) -> None:
    """Removes what this attempt left half-written, and nothing of another one. Nothing happens when there is none."""
    staging = staging_of(run_folder, attempt)
    shutil.rmtree(staging, ignore_errors=True)
    if staging.parent.is_dir() and not any(staging.parent.iterdir()):
        staging.parent.rmdir()


def staging_of(run_folder: Path, attempt: int) -> Path:
    return run_folder / ".partial" / f"attempt-{attempt}"
