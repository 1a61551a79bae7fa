"""Rivals in text generation: a GPT-2 of transformers or of KerasHub, with random weights.

It runs in the rivals' environment (`rivals.txt`) and prints JSON lines. First it builds the model
in each mode of the library, calls `generate` in each a few times, and selects the fastest:

    {"rival": ..., "versions": ..., "mode": ..., "parameters": ..., "modes": {mode: {"first":
     seconds, "trials": [seconds, ...]} or {"failed": reason}}}

"first" is the first call, which traces and compiles. Then it reads standard input; for each line it
runs one round, and prints

    {"round": 1, "seconds": ..., "tokens_per_second": ...}

The seconds are those of the whole call of `generate`: the prompt and all new tokens of every row,
to token ids in memory. Between rounds it waits, so that rounds of another process can run on the
same cores. It ends with its input, or after `--rounds` rounds, which then run without waiting.

    taskset -c 0,1 .venv-rivals/bin/python benchmarks/generation_rivals.py --rival transformers \
        --rounds 3
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

POSITIONS = 512
PACKAGES = {
    "transformers": ("transformers", "torch"),
    "keras_hub": ("keras_hub", "keras", "tensorflow"),
}

# Takes a prompt of ids, (batch, prompt), and returns ids, (batch, prompt + new), as a NumPy array.
Generate = Callable[..., object]


def transformers_modes(arguments: argparse.Namespace) -> dict[str, Callable[[], tuple]]:
    """Return a builder for each mode, which returns `generate` and the number of parameters."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.set_num_threads(arguments.threads)
    dtype = getattr(torch, arguments.dtype)

    def make(attention: str, compiled: bool) -> tuple[Generate, int]:
        torch.manual_seed(0)
        config = GPT2Config(
            vocab_size=arguments.vocabulary,
            n_positions=POSITIONS,
            n_embd=arguments.width,
            n_layer=arguments.layers,
            n_head=arguments.heads,
            bos_token_id=None,
            eos_token_id=None,  # No token ends a text early.
            attn_implementation=attention,
        )
        model = GPT2LMHeadModel(config).eval().to(dtype)
        options = {}
        if compiled:
            # Compiling needs static shapes: a cache of the full length from the start.
            options["cache_implementation"] = "static"
            model.forward = torch.compile(model.forward)

        def generate(prompt):
            ids = torch.from_numpy(prompt)
            with torch.inference_mode():
                return model.generate(
                    ids,
                    attention_mask=torch.ones_like(ids),
                    do_sample=True,
                    top_k=arguments.top_k,
                    max_new_tokens=arguments.new_tokens,
                    use_cache=True,
                    **options,
                ).numpy()

        return generate, model.num_parameters()

    return {
        "sdpa": lambda: make("sdpa", compiled=False),
        "eager": lambda: make("eager", compiled=False),
        "sdpa, static cache, compiled": lambda: make("sdpa", compiled=True),
        "eager, static cache, compiled": lambda: make("eager", compiled=True),
    }


def keras_hub_modes(arguments: argparse.Namespace) -> dict[str, Callable[[], tuple]]:
    """Return a builder for each mode, which returns `generate` and the number of parameters."""
    import keras
    import keras_hub
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    keras.config.set_dtype_policy(arguments.dtype)

    def make(jit_compile: bool | str) -> tuple[Generate, int]:
        keras.utils.set_random_seed(0)
        model = keras_hub.models.GPT2CausalLM(
            preprocessor=None,
            backbone=keras_hub.models.GPT2Backbone(
                vocabulary_size=arguments.vocabulary,
                num_layers=arguments.layers,
                num_heads=arguments.heads,
                hidden_dim=arguments.width,
                intermediate_dim=4 * arguments.width,
                max_sequence_length=POSITIONS,
            ),
        )
        sampler = keras_hub.samplers.TopKSampler(k=arguments.top_k)
        model.compile(sampler=sampler, jit_compile=jit_compile)

        def generate(prompt):
            # The prompt includes the capacity for new tokens; no token ends a text early.
            room = ((0, 0), (0, arguments.new_tokens))
            inputs = {
                "token_ids": np.pad(prompt.astype("int32"), room),
                "padding_mask": np.pad(np.ones(prompt.shape, "bool"), room),
            }
            return model.generate(inputs, stop_token_ids=None)["token_ids"]

        return generate, model.count_params()

    return {
        "default": lambda: make("auto"),
        "jit_compile=True": lambda: make(True),
    }


def timed(generate: Generate, prompt, new_tokens: int) -> float:
    """Return the seconds of one call, after checking the shape of its result."""
    start = time.perf_counter()
    ids = generate(prompt)
    seconds = time.perf_counter() - start
    expected = (len(prompt), prompt.shape[1] + new_tokens)
    if ids.shape != expected:
        sys.exit(f"generate must return ids of shape {expected}; it returned {ids.shape}.")
    return seconds


def try_mode(make: Callable[[], tuple], prompt, new_tokens: int, trials: int) -> tuple:
    """Build and time a mode; return its `generate`, its number of parameters, and its times."""
    generate, parameters = make()
    first = timed(generate, prompt, new_tokens)
    seconds = [round(timed(generate, prompt, new_tokens), 4) for _ in range(trials)]
    return generate, parameters, {"first": round(first, 2), "trials": seconds}


def say(**facts) -> None:
    """Print one JSON line."""
    print(json.dumps(facts), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rival", choices=PACKAGES, required=True)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--vocabulary", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--prompt-tokens", type=int, default=16)
    parser.add_argument("--new-tokens", type=int, default=480)
    parser.add_argument("--top-k", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--rounds", type=int, help="number of rounds, without reading input")
    parser.add_argument(
        "--trials", type=int, default=2, help="calls of each mode to choose the fastest by"
    )
    parser.add_argument("--modes", nargs="+", metavar="MODE", help="only these; all by default")
    arguments = parser.parse_args()
    if arguments.prompt_tokens + arguments.new_tokens > POSITIONS:
        parser.error(f"prompt and new tokens together must be at most {POSITIONS}")
    if arguments.trials < 1:
        parser.error("--trials must be 1 or more")

    try:
        for package in PACKAGES[arguments.rival]:
            importlib.import_module(package)
    except ImportError as error:
        sys.exit(
            f"{error.name or package} is missing or broken in {sys.executable} ({error}): install "
            "benchmarks/rivals.txt into a separate environment, and run this with its Python."
        )
    import numpy as np

    prompt = np.random.default_rng(0).integers(
        1, arguments.vocabulary, (arguments.batch, arguments.prompt_tokens)
    )
    makers = globals()[f"{arguments.rival}_modes"](arguments)
    if unknown := set(arguments.modes or ()) - set(makers):
        parser.error(f"--modes must be among {list(makers)}; they are {sorted(unknown)}")
    report, best, parameters, generate = {}, None, 0, None
    for name in arguments.modes or makers:
        try:
            candidate, size, facts = try_mode(
                makers[name], prompt, arguments.new_tokens, arguments.trials
            )
        except Exception as error:  # A mode may not run here: compiling needs a compiler.
            report[name] = {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
            continue
        report[name] = facts
        if best is None or min(facts["trials"]) < min(report[best]["trials"]):
            best, parameters, generate = name, size, candidate
        del candidate
    if generate is None:
        sys.exit(f"No mode of {arguments.rival} ran: {report}")
    versions = {
        package: importlib.metadata.version(package.replace("_", "-"))
        for package in PACKAGES[arguments.rival]
    }
    say(
        rival=arguments.rival,
        versions=versions,
        mode=best,
        dtype=arguments.dtype,
        batch=arguments.batch,
        new_tokens=arguments.new_tokens,
        parameters=parameters,
        modes=report,
    )

    paces = sys.stdin if arguments.rounds is None else range(arguments.rounds)
    for number, _ in enumerate(paces, start=1):
        seconds = timed(generate, prompt, arguments.new_tokens)
        rate = arguments.batch * arguments.new_tokens / seconds
        say(round=number, seconds=round(seconds, 4), tokens_per_second=round(rate, 1))


if __name__ == "__main__":
    main()
