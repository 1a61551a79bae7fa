"""Nats per character on Tiny Shakespeare, against nanoGPT's CPU configuration.

First the rival is trained (`nanogpt_cpu.py`), then the models of the zoo, each in a separate
process. Every model is scored once, at the end, over the whole validation and test splits of
TensorFlow Datasets, which are the last tenth of the file. Hyperparameters were selected on the
validation split. The rival has a context of 64 characters at most and 32 on average; the models of
the zoo have at least half of the context that is printed.

    make rivals
    TFDS_DATA_DIR=... taskset -c 0,1 python benchmarks/shakespeare.py
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve()
RIVALS_PYTHON = HERE.parent.parent / ".venv-rivals" / "bin" / "python"

RECIPES = {
    "gru": {
        "task": {"sequence_length": 64, "context_length": 512},
        "model": {"embedding_dim": 64, "units": 256},
        "fit": {"epochs": 3, "batch_size": 64, "optimizer": "muon", "learning_rate": 0.02},
    },
    "gpt": {
        "task": {"sequence_length": 64},
        "model": {
            "embedding_dim": 128,
            "num_layers": 4,
            "num_heads": 4,
            "positions": "rotary",
            "embedding_dropout": 0.0,
            "dropout": 0.0,
        },
        "fit": {"epochs": 1, "batch_size": 32, "optimizer": "muon", "learning_rate": 0.02},
    },
}


def ours(name: str, seed: int) -> None:
    """Print the seconds and the losses of one run."""
    import zoo

    recipe = RECIPES[name]
    dataset = zoo.datasets.tiny_shakespeare()
    task = zoo.tasks.text_generation(dataset, level="character", **recipe["task"])
    report = zoo.fit_and_evaluate(
        lambda: zoo.create_model(name, **task.model_arguments(), **recipe["model"]),
        task,
        seed=seed,
        verbose=False,
        **recipe["fit"],
    )
    sizes = {split: task.examples(split).num_asked for split in ("validation", "test")}
    losses = {split: getattr(report, split)["loss"] for split in sizes}
    both = sum(losses[split] * sizes[split] for split in sizes) / sum(sizes.values())
    print(
        json.dumps(
            {
                "seconds": report.seconds["fitting"],
                **losses,
                "both": both,
                "context": task.context_length,
                "parameters": report.model["parameters"],
            }
        )
    )


def texts() -> dict[str, str]:
    """Return the three texts, for the rival."""
    import zoo

    dataset = zoo.datasets.tiny_shakespeare()
    return {name: getattr(dataset, name)["text"][0] for name in ("train", "validation", "test")}


def json_lines(*command) -> list[dict]:
    """Run a command and return the JSON lines it prints."""
    ran = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]


def main() -> None:
    """Train the rival, then the zoo's models, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--ours", metavar="MODEL", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        ours(arguments.ours, arguments.seed)
        return

    if RIVALS_PYTHON.exists():
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "texts.json"
            file.write_text(json.dumps(texts()), encoding="utf-8")
            lines = json_lines(RIVALS_PYTHON, HERE.with_name("nanogpt_cpu.py"), "--texts", file)
        facts = {key: value for line in lines for key, value in line.items()}
        print("nanoGPT's CPU configuration", json.dumps(facts), flush=True)
    else:
        print("Rival skipped: .venv-rivals does not exist; create it with `make rivals`.")
    for name in arguments.models:
        (result,) = json_lines(sys.executable, HERE, "--ours", name, "--seed", arguments.seed)
        print(
            f"{name}: {result['both']:.3f} nats per character over validation and test "
            f"({result['validation']:.3f}, {result['test']:.3f}) after {result['seconds']:.0f} s "
            f"of fitting, {result['parameters']:,} parameters, {result['context']} characters of "
            "context at most",
            flush=True,
        )


if __name__ == "__main__":
    main()
