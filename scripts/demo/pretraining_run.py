"""The training loop behind pretrain.py: what is learned, saved and released."""

import argparse
import json
import math
import shutil
import time
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.utils import logging

from character_tokenizer import write_tokenizer
from task import BEGIN, LETTERS, SKILLS, STRING_LENGTH, VOCABULARY_SIZE, segment, vocabulary

WARMUP_STEPS = 100
FINAL_SHARE = 0.1
"""The cosine ends at this share of the learning rate."""
PROGRESS_EVERY = 100


class PretrainingRun:
    """One run over all releases; its state after `step` steps is all that the next step depends on."""

    def __init__(self, options: argparse.Namespace) -> None:
        torch.set_num_threads(1)
        logging.disable_progress_bar()
        torch.manual_seed(1000 + options.seed)
        self.options = options
        self.milestones = list(accumulate(options.releases))
        self.model = LlamaForCausalLM(llama_config(options.hidden_size, options.max_position_embeddings))
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=options.learning_rate, betas=(0.9, 0.95), weight_decay=0.1, fused=True
        )
        self.draws = torch.Generator().manual_seed(7000 + options.seed)
        self.step = 0

    def go(self, should_stop: Callable[[], bool]) -> None:
        """Trains to the last release, or until told to stop; either way the state is saved."""
        options = self.options
        began, began_at = time.perf_counter(), self.step
        while self.step < self.milestones[-1] and not should_stop():
            loss = self.take_step()
            ms_per_step = 1000 * (time.perf_counter() - began) / (self.step - began_at)
            facts = {"step": self.step, "lossNats": round(loss, 4), "msPerStep": round(ms_per_step, 2)}
            if self.step % PROGRESS_EVERY == 0:
                say("progress", **facts, steps=self.milestones[-1])
            if self.step in self.milestones:
                name = f"M{self.milestones.index(self.step) + 1}"
                self.release(options.family / name)
                say("release", release=name, folder=str(options.family / name), **facts)
            if self.step in self.milestones or self.step % options.save_every == 0:
                self.save()
        if self.step < self.milestones[-1]:
            self.save()
            say("stopped", step=self.step, steps=self.milestones[-1])

    def take_step(self) -> float:
        """One update; returns its loss in nats a token."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.options.learning_rate, self.step, self.milestones[-1])
        ids = batch(self.options.batch_size, self.draws)
        loss = self.model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        return float(loss.detach())

    def release(self, folder: Path) -> None:
        """Drops the model as it is; a release that is already there is left alone, its bytes would be the same."""
        if folder.is_dir():
            return
        partial = folder.with_name(f".{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.model.save_pretrained(partial)
        write_tokenizer(partial, self.options.max_position_embeddings)
        partial.rename(folder)

    def save(self) -> None:
        self.options.state.mkdir(parents=True, exist_ok=True)
        state = {
            "setting": self.setting(),
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "draws": self.draws.get_state(),
        }
        partial = self.options.state / ".state.pt.partial"
        torch.save(state, partial)
        partial.replace(self.options.state / "state.pt")

    def restore(self) -> None:
        """Goes on from the saved state, if there is one; refuses one of another setting or with a release gone."""
        path = self.options.state / "state.pt"
        if not path.is_file():
            return
        state = torch.load(path, weights_only=True)
        if state["setting"] != self.setting():
            raise SystemExit(f"{path} is of another run ({state['setting']}); give another --state or delete it")
        gone = [f"M{i + 1}" for i, at in enumerate(self.milestones) if at <= state["step"] and not self.has(i + 1)]
        if gone:
            raise SystemExit(
                f"{path} is past {', '.join(gone)}, which {self.options.family} lacks; delete it to start over"
            )
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.draws.set_state(state["draws"])

    def has(self, release: int) -> bool:
        return (self.options.family / f"M{release}").is_dir()

    def setting(self) -> str:
        """Everything that the bytes of a release depend on."""
        places = ("family", "state", "save_every")
        return json.dumps({k: v for k, v in vars(self.options).items() if k not in places}, sort_keys=True)


def llama_config(hidden_size: int, longest: int) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=hidden_size,
        intermediate_size=2 * hidden_size,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=longest,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=False,
        use_cache=False,
    )


def batch(rows: int, draws: torch.Generator) -> torch.Tensor:
    """Pretraining lines as token ids, int64 [rows, 27]."""
    ids, skills = vocabulary(), list(SKILLS)
    lines = [[ids[BEGIN]] for _ in range(rows)]
    for _ in range(2):
        strings = torch.randint(0, len(LETTERS), (rows, STRING_LENGTH), generator=draws).tolist()
        kinds = torch.randint(0, len(skills), (rows,), generator=draws).tolist()
        for line, x, kind in zip(lines, strings, kinds, strict=True):
            line.extend(ids[character] for character in segment(skills[kind], x))
    return torch.tensor(lines)


def learning_rate(peak: float, step: int, steps: int) -> float:
    """Linear warm-up, then one cosine over all releases, down to a tenth."""
    warmth = min(1.0, (step + 1) / WARMUP_STEPS)
    return peak * warmth * (FINAL_SHARE + (1 - FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * step / steps)))


def say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)
