"""A trainer that seems to hang can be asked what it is doing."""

import signal
from pathlib import Path

import tiny


def test_sigusr1_leaves_the_stacks_of_all_threads_on_stderr_and_training_goes_on(
    root: Path, uninterrupted: Path
) -> None:
    run = tiny.make_run(root, "asked")
    process = tiny.start(run)
    tiny.wait_until_it_catches(process, signal.SIGUSR1)
    process.send_signal(signal.SIGUSR1)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "(most recent call first):" in errors
    assert "regraft_trainer/__main__.py" in errors
    assert tiny.weights_digest(run, 24) == tiny.weights_digest(uninterrupted, 24)
