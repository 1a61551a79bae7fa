"""Latency of one review of 210 words: the SavedModel's `serve`, and the tutorial's `predict`.

The tutorial serves its trained LSTM (10,000 words, 500 ids, 128 units) as `model.predict` on one
string, with TextVectorization inside; the zoo serves a SavedModel of the default LSTM with a
vocabulary of IMDb's size. Weights do not affect the time and are untrained. Rounds alternate;
medians are printed.

    taskset -c 0,1 python benchmarks/latency.py
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import zoo

WORDS = 210


def main() -> None:
    """Time both in alternation, and print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args()

    from zoo.utils.tensorflow import import_tensorflow

    import_tensorflow()
    import keras
    import tensorflow as tf

    from zoo.preprocessing import TextToIds, Words

    vocabulary = [f"word{i}" for i in range(19_996)]
    text = " ".join(vocabulary[i * 7 % 9_000] for i in range(WORDS))

    text_to_ids = TextToIds(
        tokenizer=Words(punctuation="expressive"),
        vocabulary=vocabulary,
        sequence_length=400,
        truncation="both",
    )
    task = zoo.tasks.Sentiment(text_to_ids, ("negative", "positive"))
    folder = tempfile.TemporaryDirectory()
    path = zoo.export_saved_model(
        zoo.LSTM(**task.model_arguments()), task, pathlib.Path(folder.name) / "1"
    )
    loaded = tf.saved_model.load(str(path))
    serve, argument = loaded.signatures["serve"], tf.constant([text])

    rival = keras.Sequential(
        [
            keras.Input((1,), dtype="string"),
            keras.layers.TextVectorization(
                output_sequence_length=500, vocabulary=vocabulary[:9_998]
            ),
            keras.layers.Embedding(10_000, 128, mask_zero=True),
            keras.layers.LSTM(128),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    calls = {
        "SavedModel, serve": lambda: serve(text=argument),
        "tutorial, predict": lambda: rival.predict(argument[:, None], verbose=0),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for round_ in range(arguments.rounds + 10):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if round_ >= 10:
                times[name].append(1000 * (time.perf_counter() - start))
    medians = {name: statistics.median(all_) for name, all_ in times.items()}
    for name, median in medians.items():
        print(f"{name}: median {median:.1f} ms, minimum {min(times[name]):.1f} ms")
    first, second = medians.values()
    print(f"one review of {WORDS} words: {second / first:.1f} times faster than the tutorial")


if __name__ == "__main__":
    main()
