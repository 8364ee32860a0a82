"""`python -m regraft_trainer RUN_FOLDER`: trains what its job.json says, by docs/trainer-contract.md."""

import gc
import os
import sys
import time
import traceback
from pathlib import Path

from regraft_trainer.errors import ConfigInvalidError, OutOfMemoryError, PreemptedError, TrainerError
from regraft_trainer.preemption import Preemption

STARTED = time.perf_counter()
PREEMPTION = Preemption()


def main(arguments: list[str]) -> int:
    """Runs one attempt and returns its exit status."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(
            "usage: python -m regraft_trainer RUN_FOLDER   (an existing folder with a job.json in it)", file=sys.stderr
        )
        return 64
    run_folder = Path(arguments[0]).resolve()
    (run_folder / "error.json").unlink(missing_ok=True)  # an earlier attempt's
    try:
        run(run_folder)
    except PreemptedError as stop:
        print(f"regraft_trainer: {stop}", file=sys.stderr)
        return stop.exit_code
    except TrainerError as error:
        return fail(run_folder, error)
    except MemoryError:
        return fail(run_folder, OutOfMemoryError("the machine ran out of memory; lower recipe.batchSize."))
    except Exception as error:
        if "out of memory" in str(error) or "can't allocate memory" in str(error):
            sentence = " ".join(str(error).split())
            return fail(run_folder, OutOfMemoryError(f"out of memory; lower recipe.batchSize ({sentence})."))
        traceback.print_exc()
        return fail(run_folder, TrainerError(f"the trainer failed: {type(error).__name__}: {error}."))
    return 0


def run(run_folder: Path) -> None:
    """Cheap checks first: a bad job or dataset is refused before torch is imported."""
    from regraft_trainer.checkpoint import resume_problems
    from regraft_trainer.job import read_job
    from regraft_trainer.model_folder import open_model_folder

    job = read_job(run_folder / "job.json")
    set_environment(job.recipe.threads)
    model_folder, problems = open_model_folder(job)
    step = 0
    if job.resume_from is not None:
        step = int(job.resume_from.rsplit("-", 1)[1])
        problems += resume_problems(run_folder / job.resume_from, step)
        if step > job.recipe.steps:
            problems.append(f"resumeFrom is at step {step}, recipe.steps is {job.recipe.steps}")
    if model_folder is None or problems:
        raise ConfigInvalidError(problems)
    if step == job.recipe.steps:
        print(f"attempt {job.attempt}: step {step} of {step} is already done")
        return

    from regraft_trainer.data import load_examples

    examples = load_examples(job, model_folder)
    if PREEMPTION.requested:
        raise PreemptedError("told to stop before the first step; nothing was trained and nothing is lost.")

    gc.disable()  # the libraries make a million objects that stay: looking through them costs 2 s of start and end
    from regraft_trainer.sft import train

    gc.freeze()
    gc.enable()
    print(
        f"attempt {job.attempt}: step {step} of {job.recipe.steps}, {len(examples)} examples, "
        f"ready after {time.perf_counter() - STARTED:.1f} s",
        flush=True,
    )
    train(job, run_folder, model_folder, examples, PREEMPTION)


def set_environment(threads: int) -> None:
    """Before torch and tokenizers are imported: no network, no telemetry, the job's threads, one device."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    os.environ.update(OMP_NUM_THREADS=str(threads), RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="false")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # Trainer would split a batch over all it sees


def fail(run_folder: Path, error: TrainerError) -> int:
    """One sentence to stderr and error.json; returns the exit status."""
    from regraft_trainer.atomic_json import write_json_atomically

    print(f"regraft_trainer: {error}", file=sys.stderr)
    write_json_atomically(run_folder / "error.json", {"code": error.code, "message": str(error)})
    return error.exit_code


if __name__ == "__main__":
    PREEMPTION.install()
    sys.exit(main(sys.argv[1:]))
