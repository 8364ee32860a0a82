"""A model of some 10,000 parameters, a dataset, and a run folder around them; made without torch, in milliseconds."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import AddedToken, Tokenizer, models, processors

SOURCE = Path(__file__).parent.parent / "src"
HIDDEN, INNER, VOCABULARY, LAYERS = 16, 32, 32, 2
CHARACTERS = "abcdefghij?>"
ROWS = 50
RECIPE = {
    "method": "sft",
    "steps": 24,
    "learningRate": 5e-3,
    "batchSize": 8,
    "schedule": "cosine",
    "warmupSteps": 4,
    "weightDecay": 0.01,
    "maxGradientNorm": 1.0,
    "adamBeta1": 0.9,
    "adamBeta2": 0.999,
    "seed": 17,
    "saveEvery": 5,
    "maxLength": 16,
    "threads": 1,
    "precision": "float32",
}


def make_model(folder: Path, **config: object) -> Path:
    """A Llama with attention dropout, so that a resume without its random numbers would show."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    shapes = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN), "lm_head.weight": (VOCABULARY, HIDDEN)}
    for layer in range(LAYERS):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.self_attn.{name}_proj.weight": (HIDDEN, HIDDEN) for name in "qkvo"}
        shapes |= {f"{at}.mlp.{name}_proj.weight": (INNER, HIDDEN) for name in ("gate", "up")}
        shapes[f"{at}.mlp.down_proj.weight"] = (HIDDEN, INNER)
    weights = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    norms = [f"model.layers.{i}.{n}_layernorm.weight" for i in range(LAYERS) for n in ("input", "post_attention")]
    weights |= {name: np.ones(HIDDEN, np.float32) for name in [*norms, "model.norm.weight"]}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    settings = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 32,
        "attention_dropout": 0.1,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": False,
    }
    (folder / "config.json").write_text(json.dumps({**settings, **config}))
    make_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"eos_token": {"content": "<eos>"},   "odd spacing": true}')
    (folder / "chat_template.jinja").write_text("{{ messages }}\n")
    (folder / "generation_config.json").write_text('{"eos_token_id": 2}')
    return folder


def make_tokenizer() -> Tokenizer:
    """pad 0, bos 1, eos 2, then a character a token; bos in front."""
    tokens = ["<pad>", "<bos>", "<eos>", *CHARACTERS]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=[]))
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in tokens[:3]])
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    return tokenizer


def make_dataset(path: Path) -> Path:
    """Rows of 7 to 13 tokens, so that batches need padding."""
    rng = np.random.default_rng(5)
    with path.open("w") as file:
        for _ in range(ROWS):
            letters = "".join(CHARACTERS[i] for i in rng.integers(0, 10, rng.integers(2, 6)))
            file.write(json.dumps({"prompt": f"?{letters}>", "completion": "".join(sorted(letters))}) + "\n")
    return path


def make_run(root: Path, name: str, attempt: int = 1, resume_from: str | None = None, **recipe: object) -> Path:
    """A run folder on `root`'s model and dataset; called again it only writes the next job."""
    if not (root / "model").exists():
        make_model(root / "model")
        make_dataset(root / "train.jsonl")
    run = root / name
    run.mkdir(exist_ok=True)
    job = {
        "schema": "regraft.job/1",
        "attempt": attempt,
        "model": str(root / "model"),
        "dataset": str(root / "train.jsonl"),
        "resumeFrom": resume_from,
        "recipe": {**RECIPE, **recipe},
    }
    (run / "job.json").write_text(json.dumps(job))
    return run


def make_tied_model(folder: Path) -> None:
    """The output head is the embedding; the file has it once."""
    make_model(folder, tie_word_embeddings=True)
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def make_calm_model(root: Path) -> None:
    """For `root`'s runs: the model without dropout, so that the same rows give the same loss in any arrangement."""
    make_model(root / "model", attention_dropout=0.0)
    make_dataset(root / "train.jsonl")


def change_job(run: Path, **changes: object) -> None:
    job = json.loads((run / "job.json").read_text())
    (run / "job.json").write_text(json.dumps({**job, **changes}))


def train_here(run: Path) -> int:
    """Exit status of a whole attempt in this process: saves the 4 s that a new one needs for its imports."""
    from regraft_trainer import __main__ as program

    return program.main([str(run)])


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


def start(run: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "regraft_trainer", str(run)],
        cwd="/",
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_it_catches(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Until then the signal ends a process that is only starting."""
    while b"regraft_trainer" not in (command := Path(f"/proc/{process.pid}/cmdline").read_bytes()):
        assert process.poll() is None, command
    while not _catches(process.pid, number):
        assert process.poll() is None
        time.sleep(0.001)


def _catches(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def train(run: Path) -> tuple[int, str]:
    """Exit status and stderr of a whole attempt."""
    process = start(run)
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors


def train_until(run: Path, step: int, then: signal.Signals) -> int:
    """Starts an attempt, sends it `then` when it has logged `step`, and returns its exit status."""
    process = start(run)
    deadline = time.monotonic() + 120
    while not any(line["step"] >= step for line in metrics(run)) and process.poll() is None:
        assert time.monotonic() < deadline, "the trainer logs nothing"
        time.sleep(0.001)
    process.send_signal(then)
    process.communicate(timeout=120)
    return process.returncode


def metrics(run: Path) -> list[dict[str, Any]]:
    """Whole lines only: the last may be half written when its writer was just killed."""
    path = run / "metrics.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.split("\n")[:-1]]


def curve(run: Path) -> dict[int, tuple[float, float, float, int]]:
    """What training computed at each step, the latest attempt's word where two logged it."""
    return {
        line["step"]: (line["lossNats"], line["gradientNorm"], line["learningRate"], line["tokensSeen"])
        for line in metrics(run)
    }


def checkpoints(run: Path) -> list[int]:
    """Steps that have a complete checkpoint, ascending."""
    return sorted(int(path.parent.name.split("-")[1]) for path in run.glob("checkpoints/checkpoint-*/COMPLETE"))


def weights_digest(run: Path, step: int) -> str:
    """sha256 of a checkpoint's weights, as its marker has it."""
    marker = json.loads((run / f"checkpoints/checkpoint-{step}/COMPLETE").read_text())
    return str(marker["files"]["model.safetensors"]["sha256"])


def error(run: Path) -> dict[str, str]:
    value: dict[str, str] = json.loads((run / "error.json").read_text())
    return value
