"""Which of the processes of a training this is, as `accelerate launch` tells it in the environment."""

import os
from dataclasses import dataclass

SHARDED_BY = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED")


@dataclass(frozen=True)
class Ranks:
    """One process alone is rank 0 of 1."""

    rank: int
    processes: int
    shards: bool
    """FSDP or DeepSpeed keeps parts of the model in each process."""

    @property
    def is_main(self) -> bool:
        """The one that writes metrics, moves checkpoints into place and leaves error.json."""
        return self.rank == 0


def ranks_of_environment() -> Ranks:
    shards = any(os.environ.get(name, "").lower() in ("true", "1") for name in SHARDED_BY)
    return Ranks(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")), shards)
