"""Training an adapter: what is trained, what a checkpoint has of it, and how a resume finds it."""

import json
import warnings
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from transformers import PreTrainedModel, set_seed

from regraft_trainer.checkpoint import ADAPTER
from regraft_trainer.errors import ConfigInvalidError
from regraft_trainer.job import Recipe

NAME = "default"


def add_adapter(model: PreTrainedModel, recipe: Recipe) -> PeftModel:
    """The model with an adapter that changes nothing yet (B is 0); only the adapter trains. float32.

    A is drawn from `recipe.seed`. Raises ConfigInvalidError for modules the model does not have or that share a weight.
    """
    lora = recipe.lora
    assert lora is not None
    targets = lora.target_modules if isinstance(lora.target_modules, str) else list(lora.target_modules)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        use_rslora=lora.rs_lora,
        task_type="CAUSAL_LM",
    )
    tied = _tied_weights(model)
    set_seed(recipe.seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by an old name
            adapted = get_peft_model(model, config)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise ConfigInvalidError([f"recipe.lora does not fit the model ({' '.join(str(error).split())})"]) from error
    problems = [
        f"recipe.lora.targetModules: {name} shares its weight with another module, which would change unseen"
        for name, module in adapted.get_base_model().named_modules()
        if isinstance(module, LoraLayer) and module.get_base_layer().weight.data_ptr() in tied
    ]
    if problems:
        raise ConfigInvalidError(problems)
    return adapted


def merged_weights(adapted: PeftModel) -> dict[str, torch.Tensor]:
    """The whole model's state: W + s·B·A where an adapter is, W elsewhere; names are the base model's.

    Computed in the weights' dtype (float32): one product, one scaling, one addition. Equal to peft's merge_and_unload
    bit for bit. The model is not changed. Memory: the adapted modules' weights once more.
    """
    base = adapted.get_base_model()
    modules = dict(base.named_modules())
    merged: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        for name, tensor in base.state_dict().items():
            owner, _, leaf = name.rpartition(".")
            if ".lora_" in name:
                continue
            if not owner.endswith(".base_layer"):
                merged[name] = tensor
                continue
            owner = owner.removesuffix(".base_layer")
            layer = modules[owner]
            assert isinstance(layer, LoraLayer)
            merged[f"{owner}.{leaf}"] = tensor + layer.get_delta_weight(NAME) if leaf == "weight" else tensor
    return merged


def split_checkpoint(partial: Path, adapted: PeftModel) -> None:
    """Makes a whole model folder of what Trainer saved, with the adapter in adapter/."""
    (partial / "README.md").unlink(missing_ok=True)
    (partial / "adapter").mkdir()
    for name in ADAPTER:
        (partial / Path(name).name).rename(partial / name)
    config_path = partial / ADAPTER[0]
    config = json.loads(config_path.read_text("utf-8"))
    if isinstance(config["target_modules"], list):  # it was a set: its order is another one in each process
        config["target_modules"].sort()
    config_path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", "utf-8")
    adapted.get_base_model().save_pretrained(partial, state_dict=merged_weights(adapted))


def stage_for_resume(checkpoint: Path, staging: Path) -> Path:
    """A folder as Trainer expects it: the adapter beside the state, and no merged weights. Links, no copies."""
    staging.mkdir(parents=True, exist_ok=True)
    for path in checkpoint.iterdir():
        if path.is_file() and path.name != "COMPLETE" and not path.name.startswith("model"):
            (staging / path.name).symlink_to(path)
    for name in ADAPTER:
        (staging / Path(name).name).symlink_to(checkpoint / name)
    return staging


def _tied_weights(model: PreTrainedModel) -> set[int]:
    """Addresses of weights that more than one module has."""
    places = [weights.data_ptr() for _, weights in model.named_parameters(remove_duplicate=False)]
    return {place for place in places if places.count(place) > 1}
