"""Concurrent calls of SavedModels: 16 threads, then 4 processes, and memory over 10,000 calls.

A classifier's `serve` and a language model's `serve` and `generate` are called in turn, with 1 to 8
texts of 0 to 150 words, greedy and sampled with a seed. All outputs are compared, bit for bit, with
those of sequential calls from one thread. The exit status is 1 if any differs.

    taskset -c 0,1 python benchmarks/concurrency.py
"""

import argparse
import concurrent.futures
import multiprocessing
import random
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from zoo.utils import resources
from zoo.utils.tensorflow import import_tensorflow

WORDS = ["a", "the", "film", "king", "was", "fine", "not", ",", "ROMEO:", "我喜欢", "naïve", "8/10"]


class Call(NamedTuple):
    """A call of an endpoint of the classifier or the language model.

    Attributes:
        endpoint: `"label"`, `"score"` or `"generate"`.
        texts: inputs of the call.
        arguments: of `generate`, as Python numbers.
    """

    endpoint: str
    texts: list[str]
    arguments: dict[str, float]


def make_calls(number: int) -> list[Call]:
    """Make the same calls in every process."""
    draw = random.Random(1)
    calls = []
    for i in range(number):
        sizes = [draw.choice([0, 1, 10, 40, 150]) for _ in range(draw.randint(1, 8))]
        texts = [" ".join(draw.choices(WORDS, k=size)) for size in sizes]
        arguments = {
            "max_new_tokens": draw.randint(0, 16),
            "temperature": draw.choice([0.0, 0.8]),
            "top_k": draw.choice([0, 10]),
            "top_p": 1.0,
            "repetition_penalty": 1.0,
            "seed": draw.randrange(1000),
        }
        calls.append(Call(("label", "score", "generate")[i % 3], texts, arguments))
    return calls


class Server:
    """Endpoints of two SavedModels, for any number of threads.

    Args:
        classifier: a SavedModel, a run or a pretrained model for sentiment.
        language_model: the same for text generation.
    """

    def __init__(self, classifier: str, language_model: str):
        from zoo.serving.loading import SavedModel, saved_model_folder

        self._models = [
            SavedModel(saved_model_folder(path)) for path in (classifier, language_model)
        ]
        classifier_endpoints, endpoints = (model.endpoints for model in self._models)
        self._endpoints: dict[str, Callable] = {
            "label": classifier_endpoints["serve"],
            "score": endpoints["serve"],
            "generate": endpoints["generate"],
        }

    def __call__(self, call: Call) -> dict[str, bytes]:
        """Return the bytes of each output of a call."""
        import tensorflow as tf

        if call.endpoint != "generate":
            outputs = self._endpoints[call.endpoint](text=tf.constant(call.texts))
        else:
            inputs = {
                name: tf.constant(value, tf.float32 if isinstance(value, float) else tf.int32)
                for name, value in call.arguments.items()
            }
            outputs = self._endpoints["generate"](prompt=tf.constant(call.texts), **inputs)
        # NumPy holds strings as objects, whose bytes are addresses.
        return {
            name: b"\0".join(value.numpy().ravel())
            if value.dtype == tf.string
            else value.numpy().tobytes()
            for name, value in outputs.items()
        }


def in_threads(server: Server, calls: Iterable[Call], threads: int) -> list[dict[str, bytes]]:
    """Return the outputs of calls from several threads at once."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(server, calls))


def in_a_process(models: tuple[str, str], calls: list[Call]) -> list[dict[str, bytes]]:
    """Return the outputs of sequential calls in a process that loads the models first."""
    import_tensorflow()
    server = Server(*models)
    return [server(call) for call in calls]


def count_differences(outputs: list[Any], expected: list[Any]) -> int:
    """Count the outputs that are not equal to the expected ones, bit for bit."""
    return sum(a != e for a, e in zip(outputs, expected, strict=True))


def resident() -> float:
    """Return the resident memory of this process in MB."""
    return resources.resident_memory() / 1e6


def main() -> None:
    """Print a line for threads, one for processes and one for memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classifier", default="gru_imdb")
    parser.add_argument("--language-model", default="gru_shakespeare")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--calls", type=int, default=10_000, help="calls of all threads together")
    parser.add_argument("--distinct", type=int, default=240, help="number of distinct calls")
    arguments = parser.parse_args()
    models = (arguments.classifier, arguments.language_model)

    import_tensorflow()
    distinct = make_calls(arguments.distinct)
    server = Server(*models)
    # The threads run first, so that they include the first calls, which trace and compile.
    first = in_threads(server, distinct, arguments.threads)
    expected = [server(call) for call in distinct]
    wrong, grown = count_differences(first, expected), {}
    print(f"{arguments.threads} threads, first calls: {len(distinct):,} calls, {wrong} differ")
    size, step = len(distinct), max(arguments.calls // 10, 1)
    for start in range(0, arguments.calls, step):
        places = [place % size for place in range(start, min(start + step, arguments.calls))]
        outputs = in_threads(server, [distinct[p] for p in places], arguments.threads)
        wrong += count_differences(outputs, [expected[p] for p in places])
        grown[start + len(places)] = resident()
    print(f"{arguments.threads} threads: {arguments.calls:,} calls, {wrong} differ")
    steps = ", ".join(f"{count:,}: {megabytes:.0f}" for count, megabytes in grown.items())
    growth = grown[arguments.calls] - grown[step]
    print(f"resident MB by number of calls: {steps}; {growth:+.1f} since the first {step:,}")

    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(arguments.processes, spawn) as pool:
        waiting = [pool.submit(in_a_process, models, distinct) for _ in range(arguments.processes)]
        wrong_there = sum(count_differences(each.result(), expected) for each in waiting)
    total = arguments.processes * size
    print(f"{arguments.processes} processes: {total:,} calls, {wrong_there} differ")
    sys.exit(1 if wrong or wrong_there else 0)


if __name__ == "__main__":
    main()
