"""Tokens per second of text generation: a SavedModel's `generate` against other libraries.

A GPT-2 with random weights generates 480 tokens after prompts of 16, with `top_k=40`. The rivals
are transformers on PyTorch and KerasHub (`generation_rivals.py`), each in its fastest mode; the
zoo runs the endpoint `generate` of a SavedModel, from strings to strings, in plain TensorFlow. Each
runs in a separate process, and their rounds alternate; medians are printed, with the seconds of the
export and the first call, and the cost of a token as the text grows.

    make rivals
    taskset -c 0,1 python benchmarks/generation.py --size large --batch 1
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve()
RIVALS_PYTHON = HERE.parent.parent / ".venv-rivals" / "bin" / "python"

SIZES = {
    "large": {"layers": 6, "width": 384, "heads": 6, "vocabulary": 20_000},
    "small": {"layers": 4, "width": 128, "heads": 4, "vocabulary": 65},
}
RIVALS = ("transformers", "keras_hub")
PROMPT_TOKENS, NEW_TOKENS, TOP_K, CONTEXT = 16, 480, 40, 512

# Plain TensorFlow on the SavedModel: one round for each line of standard input, which holds the
# number of new tokens.
SERVER = """
import json, os, sys, time
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.modules["zoo"] = sys.modules["keras"] = None
import tensorflow as tf

path, batch, prompt = sys.argv[1], int(sys.argv[2]), sys.argv[3]
start = time.perf_counter()
loaded = tf.saved_model.load(path)
prompts = tf.constant([prompt] * batch)
for line in sys.stdin:
    seconds, new_tokens = time.perf_counter(), int(line)
    loaded.generate(prompts, tf.constant(new_tokens), top_k=tf.constant(40), seed=tf.constant(1))
    print(json.dumps({"seconds": time.perf_counter() - seconds}), flush=True)
"""


def export(model: str, size: dict, state_dtype: str | None, path: str) -> None:
    """Write a SavedModel with random weights, and print the seconds of the export."""
    import zoo
    from zoo.preprocessing import TextToIds, Words

    words = [f"word{i}" for i in range(size["vocabulary"] - 4)]
    text_to_ids = TextToIds(tokenizer=Words(lowercase=False), vocabulary=words, add_start=True)
    task = zoo.tasks.TextGeneration(text_to_ids, sequence_length=CONTEXT, context_length=CONTEXT)
    options = (
        {"embedding_dim": size["width"], "num_layers": size["layers"], "num_heads": size["heads"]}
        if model == "gpt"
        else {"embedding_dim": size["width"], "units": size["width"]}
    )
    built = zoo.create_model(model, **task.model_arguments(), **options)
    start = time.perf_counter()
    zoo.export_saved_model(built, task, path, state_dtype=state_dtype)
    print(json.dumps({"seconds": time.perf_counter() - start}))


class Process:
    """A process that runs a round for each input line, and prints a JSON line."""

    def __init__(self, *command):
        self._process = subprocess.Popen(
            [*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def read(self) -> dict:
        """Return the next JSON line."""
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise SystemExit("A process of the benchmark ended early; see the output above.")

    def round(self, line: object = "") -> dict:
        """Run one round."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self.read()

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


def main() -> None:
    """Time all in alternation, and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=list(SIZES), default="large")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--model", default="gpt", help="architecture of the zoo; rivals run for gpt only"
    )
    parser.add_argument("--state-dtype", choices=["bfloat16"])
    parser.add_argument(
        "--rivals", nargs="*", choices=RIVALS, default=list(RIVALS), help="none: the zoo only"
    )
    parser.add_argument("--export", metavar="PATH", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    size = SIZES[arguments.size]
    if arguments.export:
        export(arguments.model, size, arguments.state_dtype, arguments.export)
        return

    rivals = {}
    if arguments.model == "gpt":
        if arguments.rivals and not RIVALS_PYTHON.exists():
            raise SystemExit(
                ".venv-rivals does not exist: create it with `make rivals`, or pass --rivals "
                "without names."
            )
        for name in arguments.rivals:
            flags = [part for key, value in size.items() for part in (f"--{key}", value)]
            rivals[name] = Process(
                RIVALS_PYTHON,
                HERE.with_name("generation_rivals.py"),
                *("--rival", name, "--batch", arguments.batch, "--new-tokens", NEW_TOKENS),
                *("--prompt-tokens", PROMPT_TOKENS, "--top-k", TOP_K, "--trials", 2, *flags),
            )
            print(name, json.dumps(rivals[name].read()), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "1"
        command = [sys.executable, HERE, "--export", path, "--size", arguments.size]
        command += ["--model", arguments.model]
        if arguments.state_dtype:
            command += ["--state-dtype", arguments.state_dtype]
        ran = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
        exporting = json.loads(ran.stdout.splitlines()[-1])["seconds"]
        prompt = " ".join(f"word{i}" for i in range(PROMPT_TOKENS - 1))
        ours = Process(sys.executable, "-c", SERVER, path, arguments.batch, prompt)
        first = ours.round(NEW_TOKENS)["seconds"]
        short, long = [], []
        for _ in range(arguments.rounds):
            times = {tokens: ours.round(tokens)["seconds"] for tokens in (0, 64, 448, 512 - 16)}
            short.append(times[64] - times[0])
            long.append((times[496] - times[448]) * 64 / 48)
        seconds: dict[str, list[float]] = {name: [] for name in (*rivals, "zoo")}
        for _ in range(arguments.rounds):
            for name, rival in rivals.items():
                seconds[name].append(rival.round()["seconds"])
            seconds["zoo"].append(ours.round(NEW_TOKENS)["seconds"])
        ours.close()
    for rival in rivals.values():
        rival.close()

    rates = {
        name: arguments.batch * NEW_TOKENS / statistics.median(all_)
        for name, all_ in seconds.items()
    }
    what = f"{arguments.model}, {size}, batch {arguments.batch}"
    print(f"{what}, state {arguments.state_dtype or 'float32'}")
    for name, rate in rates.items():
        print(f"  {name:14} {rate:7.0f} tokens per second")
    if rivals:
        best = max(rate for name, rate in rates.items() if name != "zoo")
        print(f"  the zoo is {rates['zoo'] / best:.2f} times as fast as the better rival")
    print(
        f"  export {exporting:.1f} s, first call {first:.1f} s, together {exporting + first:.1f} s"
    )
    ratio = statistics.median(long) / statistics.median(short)
    print(f"  a token near the end costs {ratio:.2f} times one of the first 64")


if __name__ == "__main__":
    main()
