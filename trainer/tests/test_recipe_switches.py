"""Switches that change how a step is computed, and not what it is a step of."""

import json
from pathlib import Path

import tiny


def test_gradient_checkpointing_gives_the_same_bytes(root: Path, uninterrupted: Path) -> None:
    run = tiny.make_run(root, "recomputed", gradientCheckpointing=True)
    assert tiny.train_here(run) == 0
    assert tiny.curve(run) == tiny.curve(uninterrupted)
    assert tiny.weights_digest(run, 24) == tiny.weights_digest(uninterrupted, 24)


def test_the_switches_reach_the_model(root: Path) -> None:
    from regraft_trainer.job import parse_job
    from regraft_trainer.model_folder import open_model_folder
    from regraft_trainer.sft import prepare_model

    run = tiny.make_run(root, "switches", compile=True, gradientCheckpointing=True)
    job = parse_job(json.loads((run / "job.json").read_text()))
    folder, _ = open_model_folder(job)
    assert folder is not None
    model = prepare_model(folder, job.recipe)
    assert model._compiled_call_impl is not None
    assert all(layer.gradient_checkpointing for layer in model.model.layers)
