"""Rival: a character-level GPT on Tiny Shakespeare in nanoGPT's CPU configuration.

4 layers, 4 heads, width 128, a context of 64 characters, no dropout and no biases; 2000 iterations
of 12 random windows with AdamW. The configuration is nanoGPT's, the code is not: PyTorch, in
float32 and without `torch.compile`. The comparison favors the rival: the time is that of fitting
alone, without its evaluations on validation, and AdamW is PyTorch's fused one.

Losses are nats per character over whole texts in windows of 64 characters that do not overlap, so
that each character but a text's first is predicted once, the first of a window from one character.
`both` joins validation and test, like nanoGPT's held-out tenth.

It runs in the rivals' environment (`benchmarks/rivals.txt`). The texts are a JSON file with
`train`, `validation` and `test`. It prints JSON lines.

    taskset -c 0,1 python benchmarks/nanogpt_cpu.py --texts texts.json
"""

import argparse
import json
import math
import pathlib
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is missing: pip install -r benchmarks/rivals.txt")

LAYERS, HEADS, WIDTH, CONTEXT = 4, 4, 128, 64
BATCH_SIZE, WARM_UP, CLIP = 12, 100, 1.0
HIGHEST_RATE, LOWEST_RATE = 1e-3, 1e-4
BETAS, WEIGHT_DECAY = (0.9, 0.99), 0.1


class Block(nn.Module):
    """Causal attention, then two dense layers, each with pre-normalization and a residual."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH, bias=False) for _ in range(2))
        self.queries_keys_values = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.heads_out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.widen = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.narrow = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x):
        batch, length, _ = x.shape
        mixed = self.queries_keys_values(self.norms[0](x))
        query, key, value = mixed.view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        heads = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.heads_out(heads.transpose(1, 2).reshape(x.shape))
        return x + self.narrow(functional.gelu(self.widen(self.norms[1](x))))


class GPT(nn.Module):
    """Logits of the next character, with tied embeddings."""

    def __init__(self, characters: int):
        super().__init__()
        self.tokens = nn.Embedding(characters, WIDTH)
        self.positions = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, weights in self.named_parameters():
            if weights.ndim == 2:
                # Residual projections are initialized smaller in deeper networks.
                added = name.endswith(("heads_out.weight", "narrow.weight"))
                nn.init.normal_(weights, std=0.02 / math.sqrt(2 * LAYERS) if added else 0.02)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        return functional.linear(self.norm(self.blocks(x)), self.tokens.weight)


def learning_rate(iteration: int, iterations: int) -> float:
    """Linear warm-up to the highest rate, then cosine decay to the lowest."""
    if iteration < WARM_UP:
        return HIGHEST_RATE * (iteration + 1) / (WARM_UP + 1)
    fallen = (iteration - WARM_UP) / max(1, iterations - WARM_UP)
    return LOWEST_RATE + (HIGHEST_RATE - LOWEST_RATE) * (1 + math.cos(math.pi * fallen)) / 2


def fit(model: GPT, ids, iterations: int) -> float:
    """Train on random windows, and return the mean loss of the last hundred."""
    weights = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [each for each in weights if each.ndim > 1], "weight_decay": WEIGHT_DECAY},
            {"params": [each for each in weights if each.ndim < 2], "weight_decay": 0.0},
        ],
        betas=BETAS,
        fused=True,
    )
    window = torch.arange(CONTEXT + 1)
    losses = []
    model.train()
    for iteration in range(iterations):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(iteration, iterations)
        starts = torch.randint(len(ids) - CONTEXT, (BATCH_SIZE, 1))
        windows = ids[starts + window]
        logits = model(windows[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, CLIP)
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses[-100:]).mean().item()


@torch.inference_mode()
def nats_and_count(model: GPT, ids) -> tuple[float, int]:
    """Return the summed loss of a text in non-overlapping windows, and the number of targets."""
    model.eval()
    inputs, targets = ids[:-1], ids[1:]
    whole = len(inputs) // CONTEXT * CONTEXT
    parts = [
        *zip(
            inputs[:whole].view(-1, CONTEXT).split(256),
            targets[:whole].view(-1, CONTEXT).split(256),
            strict=True,
        ),
        (inputs[None, whole:], targets[None, whole:]),  # The remainder is a shorter window.
    ]
    nats = sum(
        functional.cross_entropy(
            model(part).flatten(0, 1), wanted.flatten(), reduction="sum"
        ).double()
        for part, wanted in parts
        if part.numel()
    )
    return float(nats), len(targets)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=pathlib.Path, required=True, help="a JSON file")
    parser.add_argument("--iterations", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    texts = json.loads(arguments.texts.read_text(encoding="utf-8"))
    # As in nanoGPT, the characters of all texts have ids.
    characters = sorted(set("".join(texts.values())))
    id_of = {character: id_ for id_, character in enumerate(characters)}
    ids = {
        name: torch.tensor([id_of[character] for character in text]) for name, text in texts.items()
    }
    model = GPT(len(characters))
    weights = sum(each.numel() for each in model.parameters())

    start = time.perf_counter()
    loss = fit(model, ids["train"], arguments.iterations)
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "stage": "fit",
                "seed": arguments.seed,
                "seconds": round(seconds, 2),
                "iterations": arguments.iterations,
                "weights": weights,
                "train_loss_of_last_100": round(loss, 4),
            }
        ),
        flush=True,
    )
    sums = {name: nats_and_count(model, ids[name]) for name in ("validation", "test")}
    sums["both"] = tuple(map(sum, zip(*sums.values(), strict=True)))
    losses = {name: round(nats / count, 4) for name, (nats, count) in sums.items()}
    print(json.dumps({"stage": "losses", **losses}), flush=True)


if __name__ == "__main__":
    main()
