"""A bad job is refused at once, with everything that is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest

import tiny
from regraft_trainer.errors import ConfigInvalidError
from regraft_trainer.job import Divergence, Lora, parse_job


def job(**recipe: object) -> dict[str, Any]:
    return {
        "schema": "regraft.job/1",
        "attempt": 1,
        "model": "/models/a",
        "dataset": "/data/train.jsonl",
        "resumeFrom": None,
        "recipe": {**tiny.RECIPE, **recipe},
    }


def problems_of(value: object) -> list[str]:
    with pytest.raises(ConfigInvalidError) as caught:
        parse_job(value)
    return caught.value.problems


def test_reads_the_job_of_the_contract() -> None:
    parsed = parse_job(job())
    assert (parsed.resume_from, parsed.recipe.steps, parsed.recipe.learning_rate) == (None, 24, 5e-3)
    assert parse_job({**job(), "resumeFrom": "checkpoints/checkpoint-5"}).resume_from == "checkpoints/checkpoint-5"


def test_an_unknown_key_is_a_problem_that_names_the_nearest_known_one() -> None:
    assert problems_of(job(learningrate=1e-3)) == [
        "job.json: recipe.learningrate is unknown; did you mean learningRate?"
    ]
    assert problems_of({**job(), "datset": "/x"}) == ["job.json: datset is unknown; did you mean dataset?"]
    assert "known are attempt, model" in problems_of({**job(), "zzz": 1})[0]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("steps", 0, "an integer of at least 1"),
        ("steps", True, "an integer of at least 1"),
        ("steps", 3.0, "an integer of at least 1"),
        ("learningRate", float("nan"), "a number above 0"),
        ("learningRate", "5e-4", "a number above 0"),
        ("schedule", "step", '"linear" or "constant" or "cosine"'),
        ("adamBeta2", 1, "a number from 0 to below 1"),
        ("seed", 2**32, "an integer of at least 0 and at most 4294967295"),
        ("method", "dpo", '"sft"'),
        ("saveEvery", "often", 'an integer of at least 1 or "auto"'),
        ("microBatchSize", 0, "null or an integer of at least 1"),
        ("packing", 1, "true or false"),
        ("compile", "no", "true or false"),
    ],
)
def test_refuses_a_recipe_value_that_cannot_be(key: str, value: object, expected: str) -> None:
    assert problems_of(job(**{key: value})) == [f"job.json: recipe.{key} is {json.dumps(value)}, expected {expected}"]


def test_a_job_without_the_optional_keys_gets_their_defaults() -> None:
    recipe = {key: tiny.RECIPE[key] for key in ("steps", "learningRate", "batchSize", "seed", "saveEvery", "maxLength")}
    parsed = parse_job({**job(), "recipe": recipe}).recipe
    assert (parsed.micro_batch_size, parsed.lora, parsed.divergence) == (None, None, None)
    assert (parsed.gradient_checkpointing, parsed.compile, parsed.packing) == (False, False, False)
    nulls = parse_job(job(lora=None, divergence=None, microBatchSize=None)).recipe
    assert (nulls.lora, nulls.divergence, nulls.micro_batch_size) == (None, None, None)


def test_reads_the_objects_of_a_recipe_with_their_defaults() -> None:
    parsed = parse_job(job(lora={"rank": 4, "alpha": 8}, divergence={"spikeFactor": 2.5}, saveEvery="auto")).recipe
    assert parsed.lora == Lora(rank=4, alpha=8, dropout=0.0, target_modules="all-linear", rs_lora=False)
    assert parsed.divergence == Divergence(spike_factor=2.5, patience=3)
    named = parse_job(job(lora={"rank": 4, "alpha": 8, "targetModules": ["q_proj"]})).recipe
    assert named.lora is not None
    assert named.lora.target_modules == ("q_proj",)


def test_what_is_wrong_in_an_object_of_the_recipe_is_named_with_its_whole_path_all_at_once() -> None:
    bad = {"alpha": 0, "dropout": 1, "targetModules": [], "rslora": True}
    assert problems_of(job(lora=bad, divergence={"spikeFactor": 1, "patience": 0}, microBatchSize=3)) == [
        "job.json: recipe.lora.rslora is unknown; did you mean rsLora?",
        "recipe.lora.rank is missing, expected an integer of at least 1",
        "recipe.lora.alpha is 0, expected a number above 0",
        "recipe.lora.dropout is 1, expected a number from 0 to below 1",
        'recipe.lora.targetModules is [], expected "all-linear" or a list of module names',
        "recipe.divergence.spikeFactor is 1, expected null or a number above 1",
        "recipe.divergence.patience is 0, expected an integer of at least 1",
    ]
    assert problems_of(job(microBatchSize=3)) == [
        "job.json: recipe.microBatchSize is 3, expected a divisor of recipe.batchSize, 8"
    ]
    assert problems_of(job(lora=4)) == ["job.json: recipe.lora is 4, expected an object"]


def test_refuses_a_resume_path_that_leaves_the_run_folder_and_a_relative_model() -> None:
    assert len(problems_of({**job(), "resumeFrom": "checkpoints/../../other/checkpoint-5", "model": "models/a"})) == 2


def test_a_value_that_is_no_job_is_a_problem_and_no_crash() -> None:
    assert "the job is [1], expected an object" in problems_of([1])[0]
    assert any("recipe is 3, expected an object" in p for p in problems_of({**job(), "recipe": 3}))


def test_a_bad_job_exits_64_and_lists_all_problems_in_error_json(root: Path) -> None:
    run = tiny.make_run(root, "bad-job", steps=-1, batch_size=4, learningRate=0)
    value = json.loads((run / "job.json").read_text())
    (run / "job.json").write_text(json.dumps({**value, "schema": "regraft.job/9", "model": "model"}))
    status, errors = tiny.train(run)
    assert status == 64
    report = tiny.error(run)
    assert report["code"] == "TRAINER_CONFIG_INVALID"
    for words in (
        "schema is",
        "model is",
        "batch_size is unknown; did you mean batchSize?",
        "steps is -1",
        "learningRate",
    ):
        assert words in report["message"]
    assert report["message"] in errors
    assert "Traceback" not in errors


def test_a_model_folder_with_remote_code_or_pickled_weights_is_refused(root: Path) -> None:
    run = tiny.make_run(root, "bad-model")
    tiny.make_model(root / "odd-model", auto_map={"AutoModelForCausalLM": "mine.Model"})
    (root / "odd-model" / "model.safetensors").rename(root / "odd-model" / "pytorch_model.bin")
    value = json.loads((run / "job.json").read_text())
    (run / "job.json").write_text(json.dumps({**value, "model": str(root / "odd-model")}))
    assert tiny.train(run)[0] == 64
    assert "has no safetensors weights" in tiny.error(run)["message"]
    assert "remote code is never run" in tiny.error(run)["message"]


def test_a_model_whose_files_lack_a_weight_is_refused_and_never_made_up(root: Path) -> None:
    run = tiny.make_run(root, "lacking-model")
    tiny.make_model(root / "lacking", num_hidden_layers=3)
    value = json.loads((run / "job.json").read_text())
    (run / "job.json").write_text(json.dumps({**value, "model": str(root / "lacking")}))
    assert tiny.train_here(run) == 64
    assert "weights missing from its files: model.layers.2." in tiny.error(run)["message"]
