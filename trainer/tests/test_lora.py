"""An adapter trains, and every checkpoint of it is a whole model too."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

import tiny

LORA = {"rank": 4, "alpha": 8, "dropout": 0.1, "targetModules": ["q_proj", "v_proj", "down_proj"]}


@pytest.fixture(scope="module")
def adapted(root: Path) -> Path:
    run = tiny.make_run(root, "adapted", lora=LORA, saveEvery=10)
    assert tiny.train_here(run) == 0
    return run


def last(run: Path) -> Path:
    return run / "checkpoints/checkpoint-24"


def test_a_checkpoint_is_a_whole_model_folder_beside_the_adapter_and_its_state(root: Path, adapted: Path) -> None:
    files = sorted(path.relative_to(last(adapted)).as_posix() for path in last(adapted).rglob("*") if path.is_file())
    assert files == [
        *("COMPLETE", "adapter/adapter_config.json", "adapter/adapter_model.safetensors", "chat_template.jinja"),
        *("config.json", "generation_config.json", "model.safetensors", "optimizer.pt", "rng_state.pth"),
        *("scheduler.pt", "tokenizer.json", "tokenizer_config.json", "trainer_state.json"),
    ]
    assert sorted(json.loads((last(adapted) / "COMPLETE").read_text())["files"]) == files[1:]
    base, merged = load_file(root / "model/model.safetensors"), load_file(last(adapted) / "model.safetensors")
    assert {name: (w.shape, w.dtype) for name, w in merged.items()} == {n: (w.shape, w.dtype) for n, w in base.items()}
    changed = {name.split(".")[-2] for name, weights in merged.items() if (weights != base[name]).any()}
    assert changed == {"q_proj", "v_proj", "down_proj"}


@pytest.mark.parametrize(
    "lora",
    [
        None,
        {"rank": 3, "alpha": 5, "rsLora": True},
        {"rank": 2, "alpha": 3, "targetModules": ["embed_tokens", "lm_head", "o_proj"]},
    ],
)
def test_its_weights_are_those_of_merge_and_unload_bit_for_bit(
    root: Path, adapted: Path, lora: dict[str, Any] | None
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    run = adapted
    if lora is not None:
        run = tiny.make_run(root, f"adapted-{lora['rank']}", lora=lora, saveEvery=24)
        assert tiny.train_here(run) == 0
    targets = json.loads((last(run) / "adapter/adapter_config.json").read_text())["target_modules"]
    assert targets == sorted(targets)  # peft's set has another order in each process
    base = AutoModelForCausalLM.from_pretrained(root / "model", local_files_only=True)
    state = PeftModel.from_pretrained(base, last(run) / "adapter").merge_and_unload().state_dict()
    ours = load_file(last(run) / "model.safetensors")
    assert sorted(ours) == sorted(state)
    assert all((ours[name] == state[name].numpy()).all() for name in ours)
    whole = AutoModelForCausalLM.from_pretrained(last(run), local_files_only=True).state_dict()
    assert all((ours[name] == whole[name].numpy()).all() for name in ours)


def test_a_resume_ends_in_the_same_bytes_dropout_included(root: Path, adapted: Path) -> None:
    run = root / "adapted-again"
    shutil.copytree(adapted, run)
    shutil.rmtree(last(run))
    tiny.make_run(root, run.name, attempt=2, resume_from="checkpoints/checkpoint-10", lora=LORA, saveEvery=10)
    assert tiny.train_here(run) == 0
    assert [line["step"] for line in tiny.metrics(run) if line["attempt"] == 2] == list(range(11, 25))
    assert tiny.curve(run) == tiny.curve(adapted)
    markers = [json.loads((last(each) / "COMPLETE").read_text())["files"] for each in (run, adapted)]
    assert markers[0] == markers[1]
    assert not (run / ".partial").exists()


def test_a_checkpoint_without_its_adapter_is_no_place_to_resume_from(root: Path, uninterrupted: Path) -> None:
    run = root / "adapter-lost"
    shutil.copytree(uninterrupted, run)
    tiny.make_run(root, run.name, attempt=2, resume_from="checkpoints/checkpoint-10", lora=LORA)
    assert tiny.train_here(run) == 64
    assert "has no adapter/adapter_model.safetensors (adapter)" in tiny.error(run)["message"]


def test_where_an_adapter_starts_is_the_seeds_and_nothing_elses(root: Path) -> None:
    import torch

    from regraft_trainer.job import parse_job
    from regraft_trainer.model_folder import open_model_folder
    from regraft_trainer.sft import prepare_model

    def start(seed: int) -> list[torch.Tensor]:
        job = parse_job(json.loads((tiny.make_run(root, "drawn", lora=LORA, seed=seed) / "job.json").read_text()))
        folder, _ = open_model_folder(job)
        assert folder is not None
        model = prepare_model(folder, job.recipe)
        torch.rand(3)  # draws that a seed set only once would show
        return [weights.detach().clone() for name, weights in model.named_parameters() if "lora_A" in name]

    first, again, other = start(1), start(1), start(2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_modules_that_the_model_lacks_or_whose_weight_is_shared_are_refused(root: Path, tmp_path: Path) -> None:
    run = tiny.make_run(root, "no-such-module", lora={**LORA, "targetModules": ["nope"]})
    assert tiny.train_here(run) == 64
    assert "recipe.lora does not fit the model (Target modules {'nope'} not found" in tiny.error(run)["message"]

    tiny.make_tied_model(tmp_path / "tied")
    run = tiny.make_run(root, "tied-module", lora={**LORA, "targetModules": ["embed_tokens"]})
    tiny.change_job(run, model=str(tmp_path / "tied"))
    assert tiny.train_here(run) == 64
    assert "model.embed_tokens shares its weight with another module" in tiny.error(run)["message"]


def test_weights_that_are_shared_stay_shared_when_the_adapter_is_elsewhere(root: Path, tmp_path: Path) -> None:
    tiny.make_tied_model(tmp_path / "tied")
    run = tiny.make_run(root, "tied-elsewhere", lora=LORA, saveEvery=24)
    tiny.change_job(run, model=str(tmp_path / "tied"))
    assert tiny.train_here(run) == 0
    base, merged = load_file(tmp_path / "tied/model.safetensors"), load_file(last(run) / "model.safetensors")
    assert sorted(merged) == sorted(base)
