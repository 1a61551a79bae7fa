"""Dependence of a fit on the number of threads: weights, bit for bit, with 1, 2 and 4 threads.

Each architecture is trained for a few steps at a realistic width, 64 texts of up to 200 tokens per
step, in processes with 1, 2 and 4 TensorFlow threads, and again with 4. A table shows whether
repeated runs agree, and whether numbers of threads agree; then the kernels of a fit are tested
alone. The exit status is 1 if two runs with the same number of threads differ.

    python benchmarks/threads.py
"""

import argparse
import hashlib
import json
import subprocess
import sys

THREADS = (1, 2, 4)
OPTIONS = {
    "bag_of_bigrams": {},
    "bag_of_words": {},
    "gpt": {"embedding_dim": 64, "num_layers": 2},
    "transformer": {"embedding_dim": 64, "num_layers": 2},
}
RECURRENT = {"embedding_dim": 64, "units": 64}
OPTIMIZERS = ("adam", "muon")


def digest(arrays) -> str:
    """Return a short hash of the bytes of arrays."""
    import numpy as np

    together = hashlib.sha256()
    for array in arrays:
        together.update(np.ascontiguousarray(array).tobytes())
    return together.hexdigest()[:12]


def fits(steps: int, models: list[str], optimizers: list[str]) -> dict[str, str]:
    """Return digests of weights by architecture, task and optimizer; all if `models` is empty."""
    import numpy as np

    import zoo

    reviews = zoo.datasets.load(
        "synthetic_reviews", train_size=64 * steps, validation_size=64, test_size=64, seed=1
    )
    # Long texts, like film reviews.
    train = [" ".join(np.roll(reviews.train["text"], i)[:12]) for i in range(64 * steps)]
    data = zoo.datasets.TextDataset(
        "long",
        train=zoo.datasets.Split({"text": train, "label": reviews.train["label"]}),
        validation=reviews.validation,
        test=reviews.test,
        label_names=reviews.label_names,
    )
    tasks = {
        "sentiment": zoo.tasks.sentiment(data, sequence_length=200),
        "text_generation": zoo.tasks.text_generation(data, sequence_length=200),
    }
    found = {}
    for task_name, task in tasks.items():
        names = zoo.models.list_models(task.head)
        for name in (each for each in names if not models or each in models):
            for optimizer in optimizers:
                model = []

                def make(name=name, task=task, model=model):
                    options = OPTIONS.get(name, RECURRENT)
                    model.append(zoo.create_model(name, **task.model_arguments(), **options))
                    return model[0]

                zoo.fit_and_evaluate(
                    make, task, epochs=1, optimizer=optimizer, test=False, verbose=False, seed=1
                )
                found[f"{name}, {task_name}, {optimizer}"] = digest(model[0].get_weights())
    return found


def kernels() -> dict[str, str]:
    """Return digests of the outputs of single kernels, forward and backward."""
    import numpy as np
    import tensorflow as tf

    draw = np.random.default_rng(0)

    def normal(*shape):
        return tf.constant(draw.normal(size=shape), tf.float32)

    rows, ids = normal(12_800, 64), tf.constant(draw.integers(0, 500, 12_800))
    square = normal(512, 512)
    return {
        name: digest([value.numpy()])
        for name, value in {
            "matmul (64, 64) (64, 256)": normal(64, 64) @ normal(64, 256),
            "matmul (12800, 64) (64, 256)": rows @ normal(64, 256),
            "matmul of a weight's gradient, (64, 12800) (12800, 256)": tf.matmul(
                rows, normal(12_800, 256), transpose_a=True
            ),
            "matmul (512, 512) (512, 512)": square @ square,
            "batched matmul (256, 200, 16) (256, 16, 200)": normal(256, 200, 16)
            @ normal(256, 16, 200),
            "softmax (1280, 5000)": tf.nn.softmax(normal(1_280, 5_000)),
            "sum of all, (12800, 64)": tf.reduce_sum(rows),
            "sum over rows, (12800, 64)": tf.reduce_sum(rows, axis=0),
            "sum over columns, (12800, 64)": tf.reduce_sum(rows, axis=1),
            "bias's gradient (12800, 64)": tf.raw_ops.BiasAddGrad(out_backprop=rows),
            "unsorted_segment_sum, an embedding's gradient": tf.math.unsorted_segment_sum(
                rows, ids, 500
            ),
            "scatter_nd": tf.scatter_nd(ids[:, None], rows, [500, 64]),
            "cumsum": tf.cumsum(rows),
        }.items()
    }


def in_a_process(threads: int, arguments: argparse.Namespace) -> dict[str, dict[str, str]]:
    """Return the digests that a process with `threads` threads computes."""
    command = [sys.executable, __file__, "--threads", str(threads), "--steps", str(arguments.steps)]
    command += ["--models", *arguments.models, "--optimizers", *arguments.optimizers]
    command += ["--kernels-only"] * arguments.kernels_only
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout)


def main() -> None:
    """Print a line for each fit and each kernel."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--models", nargs="*", default=[], help="architectures; all by default")
    parser.add_argument("--optimizers", nargs="+", choices=OPTIMIZERS, default=OPTIMIZERS)
    parser.add_argument("--kernels-only", action="store_true", help="skip the fits")
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.threads:
        from zoo.utils.tensorflow import import_tensorflow

        import_tensorflow()
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
        tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
        found = {"kernels": kernels()}
        if not arguments.kernels_only:
            found["fits"] = fits(arguments.steps, arguments.models, arguments.optimizers)
        print(json.dumps(found))
        return

    by_threads = {number: in_a_process(number, arguments) for number in THREADS}
    again = in_a_process(THREADS[-1], arguments)
    is_repeatable = True
    for kind, expected in by_threads[1].items():
        for name, value in expected.items():
            repeats = again[kind][name] == by_threads[THREADS[-1]][kind][name]
            is_repeatable &= repeats
            same = [n for n in THREADS if by_threads[n][kind][name] == value]
            differ = [n for n in THREADS if n not in same]
            result = f"differs with {', '.join(map(str, differ))}" if differ else "equal"
            print(
                f"{name:58} 1, 2, 4 threads: {result}{'' if repeats else '; differs between runs'}"
            )
    sys.exit(0 if is_repeatable else 1)


if __name__ == "__main__":
    main()
