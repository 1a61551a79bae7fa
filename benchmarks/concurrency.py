"""Many callers of one SavedModel: 16 threads, then 4 processes, and what memory 10,000 calls take.

A classifier's `serve` and a language model's `serve` and `generate` are called in turn, with 1 to 8
texts of 0 to 150 words, greedy and drawn by a seed. The answers of all are compared to the bit with
those of one thread that makes one call after the other. Status 1 where one differs.

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
    """A call of an endpoint of the classifier or of the writer.

    Attributes:
        endpoint: `"label"`, `"score"` or `"write"`.
        texts: what it is given.
        arguments: of `generate`, as Python numbers.
    """

    endpoint: str
    texts: list[str]
    arguments: dict[str, float]


def make_calls(number: int) -> list[Call]:
    """The same calls in every process."""
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
        calls.append(Call(("label", "score", "write")[i % 3], texts, arguments))
    return calls


class Server:
    """The endpoints of two SavedModels, for any number of threads.

    Args:
        classifier: a SavedModel for sentiment, a run, or a shipped model's name.
        writer: one for text generation.
    """

    def __init__(self, classifier: str, writer: str):
        from zoo.serving.loading import SavedModel

        self._models = [SavedModel(classifier), SavedModel(writer)]
        labels, writes = (model.endpoints for model in self._models)
        self._endpoints: dict[str, Callable] = {
            "label": labels["serve"],
            "score": writes["serve"],
            "write": writes["generate"],
        }

    def __call__(self, call: Call) -> dict[str, bytes]:
        """The answer to a call: each output's bytes."""
        import tensorflow as tf

        if call.endpoint != "write":
            answer = self._endpoints[call.endpoint](text=tf.constant(call.texts))
        else:
            inputs = {
                name: tf.constant(value, tf.float32 if isinstance(value, float) else tf.int32)
                for name, value in call.arguments.items()
            }
            answer = self._endpoints["write"](prompt=tf.constant(call.texts), **inputs)
        # Strings are objects in NumPy, whose bytes would be their addresses.
        return {
            name: b"\0".join(value.numpy().ravel())
            if value.dtype == tf.string
            else value.numpy().tobytes()
            for name, value in answer.items()
        }


def in_threads(server: Server, calls: Iterable[Call], threads: int) -> list[dict[str, bytes]]:
    """The answers to calls, made from so many threads at once."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(server, calls))


def in_a_process(models: tuple[str, str], calls: list[Call]) -> list[dict[str, bytes]]:
    """The answers to calls, one after the other, of a process that loads the models first."""
    import_tensorflow()
    server = Server(*models)
    return [server(call) for call in calls]


def differing(answers: list[Any], expected: list[Any]) -> int:
    """How many answers are not what was expected, to the bit."""
    return sum(a != e for a, e in zip(answers, expected, strict=True))


def resident() -> float:
    """This process's memory that is in use, in MB."""
    return resources.resident_memory() / 1e6


def main() -> None:
    """Prints a line for threads, one for processes and one for memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--classifier", default="gru_imdb")
    parser.add_argument("--writer", default="gru_shakespeare")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--calls", type=int, default=10_000, help="Of all threads together.")
    parser.add_argument("--distinct", type=int, default=240, help="So many of them are different.")
    arguments = parser.parse_args()
    models = (arguments.classifier, arguments.writer)

    import_tensorflow()
    distinct = make_calls(arguments.distinct)
    server = Server(*models)
    # The threads come first, so that they meet what TensorFlow does at a first call as well.
    first = in_threads(server, distinct, arguments.threads)
    expected = [server(call) for call in distinct]
    wrong, grown = differing(first, expected), {}
    print(f"{arguments.threads} threads, first calls: {len(distinct):,} calls, {wrong} differ")
    size, step = len(distinct), max(arguments.calls // 10, 1)
    for start in range(0, arguments.calls, step):
        places = [place % size for place in range(start, min(start + step, arguments.calls))]
        answers = in_threads(server, [distinct[p] for p in places], arguments.threads)
        wrong += differing(answers, [expected[p] for p in places])
        grown[start + len(places)] = resident()
    print(f"{arguments.threads} threads: {arguments.calls:,} calls, {wrong} differ")
    steps = ", ".join(f"{count:,}: {megabytes:.0f}" for count, megabytes in grown.items())
    growth = grown[arguments.calls] - grown[step]
    print(f"resident MB after so many calls: {steps}; {growth:+.1f} since the first {step:,}")

    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(arguments.processes, spawn) as pool:
        waiting = [pool.submit(in_a_process, models, distinct) for _ in range(arguments.processes)]
        wrong_there = sum(differing(each.result(), expected) for each in waiting)
    total = arguments.processes * size
    print(f"{arguments.processes} processes: {total:,} calls, {wrong_there} differ")
    sys.exit(1 if wrong or wrong_there else 0)


if __name__ == "__main__":
    main()
