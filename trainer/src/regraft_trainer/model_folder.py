"""The folder a training starts from: checked before anything heavy is imported."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regraft_trainer.job import Job

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")

# Everything but weights that makes a folder loadable; other files (readme, licence, pickles) stay where they are.
CARRIED = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
)


@dataclass(frozen=True)
class ModelFolder:
    """A model folder that can be trained: local safetensors weights, no code of its own, a tokenizer."""

    path: Path
    config: dict[str, Any]
    end_token: str | int
    """Ends every completion: its text or its id."""
    padding_id: int
    """Fills batches up; never seen by the loss or by attention."""

    def chat_template(self) -> str | None:
        """chat_template.jinja, else what tokenizer_config.json or chat_template.json have, as transformers looks."""
        path = self.path / "chat_template.jinja"
        if path.is_file():
            return path.read_text("utf-8")
        for name in ("tokenizer_config.json", "chat_template.json"):
            template = _read_object(self.path / name, []).get("chat_template")
            if isinstance(template, list):  # several, by name
                named = [item for item in template if isinstance(item, dict) and item.get("name") == "default"]
                template = named[0].get("template") if named else None
            if isinstance(template, str):
                return template
        return None

    def special_tokens(self) -> dict[str, str]:
        """bos_token, eos_token and the like, as tokenizer_config.json has them."""
        tokens: dict[str, str] = {}
        for key, value in _read_object(self.path / "tokenizer_config.json", []).items():
            text = value.get("content") if isinstance(value, dict) else value
            if key.endswith("_token") and isinstance(text, str):
                tokens[key] = text
        return tokens

    def carry_files_to(self, checkpoint: Path) -> None:
        """Copies config and tokenizer files byte for byte, over what the library wrote there.

        Trained weights are float32; when the config names another dtype, that one field is changed.
        """
        for name in CARRIED:
            if (self.path / name).is_file():
                shutil.copyfile(self.path / name, checkpoint / name)
        dtypes = {key: "float32" for key in ("dtype", "torch_dtype") if self.config.get(key) not in (None, "float32")}
        if dtypes:
            text = json.dumps({**self.config, **dtypes}, indent=2, ensure_ascii=False)
            (checkpoint / "config.json").write_text(text + "\n", "utf-8")


def open_model_folder(job: Job) -> tuple[ModelFolder | None, list[str]]:
    """Returns the folder, or None and every problem with it as a sentence."""
    path = Path(job.model)
    if not path.is_dir():
        return None, [f"model {path} is not a folder"]
    problems = [
        f"model {path} has no {name}" for name in ("config.json", "tokenizer.json") if not (path / name).is_file()
    ]
    if not any((path / name).is_file() for name in WEIGHTS):
        problems.append(
            f"model {path} has no safetensors weights ({' or '.join(WEIGHTS)}); other formats are not loaded"
        )
    if not (path / "config.json").is_file():
        return None, problems
    config = _read_object(path / "config.json", problems)
    problems += [
        f"model {path}: config.json has {key}; {why}"
        for key, why in (
            ("auto_map", "remote code is never run"),
            ("quantization_config", "train the unquantised model"),
        )
        if key in config
    ]
    longest = config.get("max_position_embeddings")
    if isinstance(longest, int) and job.recipe.max_length > longest:
        problems.append(
            f"recipe.maxLength is {job.recipe.max_length}, the model's max_position_embeddings is {longest}"
        )
    end_token = _end_token(path, config, problems)
    if end_token is None:
        problems.append(f"model {path} names no end token (eos_token in tokenizer_config.json)")
        return None, problems
    padding = config.get("pad_token_id")
    folder = ModelFolder(path, config, end_token, padding if isinstance(padding, int) and padding >= 0 else 0)
    return (None if problems else folder), problems


def _end_token(path: Path, config: dict[str, Any], problems: list[str]) -> str | int | None:
    """The tokenizer's word first, then the generation config's and the config's."""
    tokenizer = _read_object(path / "tokenizer_config.json", problems).get("eos_token")
    if isinstance(tokenizer, dict):
        tokenizer = tokenizer.get("content")
    if isinstance(tokenizer, str):
        return tokenizer
    for source in (_read_object(path / "generation_config.json", problems), config):
        value = source.get("eos_token_id")
        first = value[0] if isinstance(value, list) and value else value
        if isinstance(first, int):
            return first
    return None


def _read_object(path: Path, problems: list[str]) -> dict[str, Any]:
    """A JSON object; empty when the file is not there."""
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{path} is not readable JSON ({error})")
        return {}
    if not isinstance(value, dict):
        problems.append(f"{path} holds no JSON object")
        return {}
    return value
