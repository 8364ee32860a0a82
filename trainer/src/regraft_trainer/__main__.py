"""`python -m regraft_trainer RUN_FOLDER`: trains what its job.json says, by docs/trainer-contract.md."""

import faulthandler
import gc
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from regraft_trainer.attempt import Attempt, remove_staging
from regraft_trainer.errors import ConfigInvalidError, DiskFullError, PreemptedError, SupersededError, TrainerError
from regraft_trainer.failures import classify
from regraft_trainer.fence import Fence
from regraft_trainer.job import Job, read_job
from regraft_trainer.preemption import Preemption
from regraft_trainer.process_group import die_with_parent, end_at_once, tell_exit_status, tell_process_id
from regraft_trainer.ranks import Ranks, ranks_of_environment

STARTED = time.perf_counter()
PREEMPTION = Preemption()


def main(arguments: list[str]) -> int:
    """Runs one attempt, or one process of it, and returns its exit status."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(
            "usage: python -m regraft_trainer RUN_FOLDER   (an existing folder with a job.json in it)", file=sys.stderr
        )
        return 64
    run_folder = Path(arguments[0]).resolve()
    is_main = ranks_of_environment().is_main
    if is_main:
        (run_folder / "error.json").unlink(missing_ok=True)  # an earlier attempt's
    try:
        run(run_folder)
    except (PreemptedError, SupersededError) as stop:
        print(f"regraft_trainer: {stop}", file=sys.stderr)
        return stop.exit_code
    except Exception as error:
        known = classify(error)
        if known is None:
            traceback.print_exc()
            known = TrainerError(f"the trainer failed: {type(error).__name__}: {error}.")
        return fail(run_folder, known, is_main)
    return 0


def run(run_folder: Path) -> None:
    """Runs the attempt; whatever ends it early is told only while the folder is still this attempt's."""
    job = read_job(run_folder / "job.json")
    fence = Fence(run_folder / "job.json", job.attempt)
    try:
        run_attempt(run_folder, job, fence)
    except PreemptedError:
        raise
    except Exception as error:
        if isinstance(error, SupersededError) or isinstance(classify(error), DiskFullError):
            remove_staging(run_folder, job.attempt)  # half-written, and room for others
        fence.check()  # a newer attempt clears the old one's files away: its failures are no news
        raise


def run_attempt(run_folder: Path, job: Job, fence: Fence) -> None:
    """Cheap checks first: a bad job or dataset is refused before torch is imported."""
    from regraft_trainer.checkpoint import resume_problems
    from regraft_trainer.model_folder import open_model_folder

    recipe, ranks = job.recipe, ranks_of_environment()
    set_environment(recipe.threads, ranks)
    recipe.micro_batches(ranks.processes)  # raises for a batch that cannot be shared out
    model_folder, problems = open_model_folder(job)
    step = 0
    if job.resume_from is not None:
        step = int(job.resume_from.rsplit("-", 1)[1])
        folder = run_folder / job.resume_from
        problems += resume_problems(folder, step, ranks.processes, ranks.shards, adapter=recipe.lora is not None)
        if step > recipe.steps:
            problems.append(f"resumeFrom is at step {step}, recipe.steps is {recipe.steps}")
    if model_folder is None or problems:
        raise ConfigInvalidError(problems)
    if step == recipe.steps:
        print(f"attempt {job.attempt}: step {step} of {step} is already done")
        return

    from regraft_trainer.data import load_examples

    examples = load_examples(job, model_folder)
    if PREEMPTION.requested and ranks.processes == 1:
        raise PreemptedError("told to stop before the first step; nothing was trained and nothing is lost.")

    gc.disable()  # the libraries make a million objects that stay: looking through them costs 2 s of start and end
    from regraft_trainer.sft import train

    gc.freeze()
    gc.enable()
    if ranks.is_main:
        print(
            f"attempt {job.attempt}: step {step} of {recipe.steps}, {len(examples)} examples, "
            f"ready after {time.perf_counter() - STARTED:.1f} s",
            flush=True,
        )
    train(Attempt(job, run_folder, model_folder, PREEMPTION, fence, ranks), examples)


def set_environment(threads: int, ranks: Ranks) -> None:
    """Before torch and tokenizers are imported: no network, no telemetry, the job's threads, one device a process."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # 0 lets a hub dataset be downloaded; models never are
    os.environ.update(TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")
    os.environ.update(OMP_NUM_THREADS=str(threads), RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM="false")
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", str(threads))
    if ranks.processes == 1:
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # Trainer would split a batch over all it sees


def fail(run_folder: Path, error: TrainerError, is_main: bool) -> int:
    """One sentence to stderr, and to error.json where there is room for it; returns the exit status."""
    from regraft_trainer.atomic_json import write_json_atomically

    print(f"regraft_trainer: {error}", file=sys.stderr)
    if is_main:
        try:
            write_json_atomically(run_folder / "error.json", {"code": error.code, "message": str(error)})
        except OSError as unwritten:
            print(f"regraft_trainer: error.json cannot be written ({unwritten}).", file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    PREEMPTION.install()
    if ranks_of_environment().processes > 1:
        die_with_parent()
    tell_process_id()
    status = main(sys.argv[1:])
    tell_exit_status(status)
    if ranks_of_environment().processes > 1:
        end_at_once(status)
    sys.exit(status)
