"""Model folders as transformers and mergekit read them: config.json, safetensors shards, their index."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

BYTES_A_VALUE = 2  # bfloat16


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor's values lie."""

    path: Path
    offset: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        return math.prod(self.shape)


def llama_tensors(shape: dict[str, int]) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of a Llama with a head of its own, in the order in which they are stored."""
    hidden, inner = shape["hidden_size"], shape["intermediate_size"]
    keys = hidden // shape["num_attention_heads"] * shape["num_key_value_heads"]
    layer = [
        ("input_layernorm", (hidden,)),
        ("mlp.down_proj", (hidden, inner)),
        ("mlp.gate_proj", (inner, hidden)),
        ("mlp.up_proj", (inner, hidden)),
        ("post_attention_layernorm", (hidden,)),
        ("self_attn.k_proj", (keys, hidden)),
        ("self_attn.o_proj", (hidden, hidden)),
        ("self_attn.q_proj", (hidden, hidden)),
        ("self_attn.v_proj", (keys, hidden)),
    ]
    return [
        ("model.embed_tokens.weight", (shape["vocab_size"], hidden)),
        *(
            (f"model.layers.{index}.{name}.weight", size)
            for index in range(shape["num_hidden_layers"])
            for name, size in layer
        ),
        ("model.norm.weight", (hidden,)),
        ("lm_head.weight", (shape["vocab_size"], hidden)),
    ]


def llama_config(shape: dict[str, int]) -> dict[str, object]:
    """config.json of such a model; the keys of `shape` are config.json's own."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **shape,
        "hidden_act": "silu",
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def plan_shards(tensors: list[tuple[str, tuple[int, ...]]], count: int) -> list[list[tuple[str, tuple[int, ...]]]]:
    """Consecutive tensors in `count` shards of about the same size, none of them empty."""
    total = sum(math.prod(shape) for _, shape in tensors)
    shards: list[list[tuple[str, tuple[int, ...]]]] = [[] for _ in range(count)]
    before = 0
    for name, shape in tensors:
        shards[min(count - 1, before * count // total)].append((name, shape))
        before += math.prod(shape)
    return shards


def shard_name(index: int, count: int) -> str:
    return f"model-{index + 1:05}-of-{count:05}.safetensors"


def header_bytes(tensors: list[tuple[str, tuple[int, ...]]]) -> tuple[bytes, int]:
    """The first bytes of a shard, and how many bytes of values follow."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in tensors:
        begin, end = end, end + math.prod(shape) * BYTES_A_VALUE
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # values begin at a multiple of eight, as the safetensors library writes them
    return len(text).to_bytes(8, "little") + text, end


def write_json_files(folder: Path, shape: dict[str, int], shards: list[list[tuple[str, tuple[int, ...]]]]) -> None:
    """config.json and the index of a model folder."""
    total = sum(math.prod(size) for shard in shards for _, size in shard) * BYTES_A_VALUE
    weight_map = {name: shard_name(i, len(shards)) for i, shard in enumerate(shards) for name, _ in shard}
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "config.json").write_text(json.dumps(llama_config(shape), indent=2))
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))


def read_tensors(folder: Path) -> dict[str, StoredTensor]:
    """Every tensor of every safetensors file of a folder, whatever its shards are called."""
    tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size))
        header.pop("__metadata__", None)
        for name, info in header.items():
            offset = 8 + size + info["data_offsets"][0]
            tensors[name] = StoredTensor(path, offset, info["dtype"], tuple(info["shape"]))
    return tensors
