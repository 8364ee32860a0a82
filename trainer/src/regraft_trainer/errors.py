"""Every way a training ends early: a code for programs, an exit status for the parent, a sentence for people."""


class TrainerError(Exception):
    """Base of what the trainer reports in error.json. `exit_code` is the status the process ends with."""

    code = "TRAINER_FAILED"
    exit_code = 1


class ConfigInvalidError(TrainerError):
    """The job, the model folder or the checkpoint to resume from cannot be used. Carries every problem found."""

    code = "TRAINER_CONFIG_INVALID"
    exit_code = 64

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems) + ".")
        self.problems = problems


class DataInvalidError(TrainerError):
    """The dataset cannot be trained on. Carries the problems found, each with file and line; long lists are cut."""

    code = "TRAINER_DATA_INVALID"
    exit_code = 65
    SHOWN = 20

    def __init__(self, problems: list[str]) -> None:
        more = len(problems) - self.SHOWN
        shown = problems[: self.SHOWN] + ([f"and {more} more like these"] if more > 0 else [])
        super().__init__("; ".join(shown) + ".")
        self.problems = problems


class DivergedError(TrainerError):
    """A loss, a gradient norm or a weight is not finite, or losses stay too high. Nothing damaged is saved."""

    code = "TRAINER_DIVERGED"
    exit_code = 70


class OutOfMemoryError(TrainerError):
    """The device or the machine has too little memory for this batch size and length."""

    code = "TRAINER_OUT_OF_MEMORY"
    exit_code = 71


class DiskFullError(TrainerError):
    """There is no room for a checkpoint or a metrics line. What was complete before still is."""

    code = "TRAINER_DISK_FULL"
    exit_code = 73


class PreemptedError(TrainerError):
    """SIGTERM came and steps remain; whatever was trained is in a complete checkpoint."""

    code = "TRAINER_PREEMPTED"
    exit_code = 75


class SupersededError(TrainerError):
    """A newer attempt has the run folder. Leaves no error.json: that file is the newer attempt's."""

    code = "TRAINER_SUPERSEDED"
    exit_code = 76
