"""Writes a tiny random model like the demo's, and tells what transformers makes of it.

python make-model.py FOLDER    reads {score: [[prompt, continuation]], write: [prompt], chat: [messages], text}, prints
{score: [{nats, tokens}], write: [text], chat: [text], ended: [[prompt, completion, nats]], text: [nats of each token]}
"""

import json
import random
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

sys.path.insert(0, str(Path(__file__).parents[3] / "scripts" / "demo"))
from character_tokenizer import write_tokenizer

POSITIONS = 64
NEW_TOKENS = 8
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{{ m.role[0] }}:{{ m.content }};{% endfor %}"
    "{% if add_generation_prompt %}a:{% endif %}"
)


def make(folder: Path) -> None:
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=80,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=POSITIONS,
        initializer_range=0.15,  # far from uniform, so that what is wrong shows
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    write_tokenizer(folder, POSITIONS)
    (folder / "chat_template.jinja").write_text(TEMPLATE, "utf-8")


class Reference:
    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    @torch.no_grad()
    def nats(self, prompt: list[int], continuation: list[int]) -> list[float]:
        logits = self.model(torch.tensor([prompt + continuation])).logits[0, len(prompt) - 1 : -1]
        return torch.log_softmax(logits, -1).gather(1, torch.tensor(continuation)[:, None])[:, 0].tolist()

    @torch.no_grad()
    def written(self, prompt: list[int]) -> list[int]:
        attention = torch.ones(1, len(prompt), dtype=torch.long)
        ids = self.model.generate(
            torch.tensor([prompt]), attention_mask=attention, max_new_tokens=NEW_TOKENS, do_sample=False
        )
        return ids[0, len(prompt) :].tolist()

    def write(self, prompt: list[int]) -> str:
        return self.tokenizer.decode(self.written(prompt), skip_special_tokens=True)

    def score(self, prompt: str, continuation: str) -> dict:
        ids = self.tokenizer.encode(continuation, add_special_tokens=False)
        values = self.nats(self.tokenizer.encode(prompt), ids)
        return {"nats": sum(values), "tokens": len(values)}

    def chat(self, messages: list[dict]) -> str:
        return self.write(self.tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"])

    def ended(self) -> list[list]:
        """Prompts whose greedy answer ends by itself, with the answer and its log-likelihood, end token included."""
        draw = random.Random(1)
        found = []
        while len(found) < 3:
            prompt = "".join(draw.choice("abcdef") for _ in range(5)) + "="
            before = self.tokenizer.encode(prompt)
            ids = self.written(before)
            if ids[-1] == 2 and len(ids) > 1:
                found.append([prompt, self.tokenizer.decode(ids[:-1]), sum(self.nats(before, ids))])
        return found


def main() -> None:
    torch.set_num_threads(1)
    folder, asked = Path(sys.argv[1]), json.load(sys.stdin)
    make(folder)
    reference = Reference(folder)
    encode = reference.tokenizer.encode
    result = {
        "score": [reference.score(*pair) for pair in asked["score"]],
        "write": [reference.write(encode(prompt)) for prompt in asked["write"]],
        "chat": [reference.chat(messages) for messages in asked["chat"]],
        "ended": reference.ended(),
        "text": reference.nats([1], encode(asked["text"], add_special_tokens=False)),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
