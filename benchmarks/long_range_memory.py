"""Long-range memory of recurrent networks: accuracy by distance of the evidence from the end.

Each network is trained on synthetic reviews whose verdict is at most 10 tokens before the end, with
the last state alone as input of the head. It is tested with 0 to 200 tokens of plot after the
verdict, so the same evidence must be remembered for longer. Each cell has its own learning rate,
because one rate for all leaves some at chance level.

    taskset -c 0,1 python benchmarks/long_range_memory.py
"""

import numpy as np

import zoo

SEEDS = (1, 2, 3)
DISTANCES = (0, 10, 20, 50, 100, 200)
FITS = {
    "simple_rnn": {"learning_rate": 1e-3, "batch_size": 64, "epochs": 12},
    "lstm": {"learning_rate": 8e-3, "batch_size": 128, "epochs": 9},
    "gru": {"learning_rate": 8e-3, "batch_size": 128, "epochs": 9},
}
# An orthogonal initialization with gain 1 preserves most of the state.
EXTRA = {"simple_rnn": {"recurrent_gain": 1.0}}


def main() -> None:
    """Train and test each network with each seed, and print a table of means."""
    reviews = zoo.datasets.load("synthetic_reviews")
    task = zoo.tasks.sentiment(reviews)
    arguments = task.model_arguments()
    import keras  # After the zoo has imported TensorFlow without log lines.

    further = [
        zoo.datasets.load(
            "synthetic_reviews", train_size=1, validation_size=1, test_size=2000, distance=distance
        )
        for distance in DISTANCES
    ]
    print("distance   " + "".join(f"{distance:7}" for distance in DISTANCES) + "   seconds")
    print(
        "best       " + "".join(f"{each.best_possible.accuracy_on_test:7.3f}" for each in further)
    )
    test_tasks = [zoo.tasks.Sentiment(task.text_to_ids, task.label_names, each) for each in further]
    for name, fit in FITS.items():
        accuracies, seconds = [], []
        for seed in SEEDS:
            keras.utils.set_random_seed(seed)
            model = zoo.create_model(
                name,
                **arguments,
                embedding_dim=32,
                units=64,
                pooling="last",
                embedding_dropout=0.0,
                **EXTRA.get(name, {}),
            )
            report = zoo.fit_and_evaluate(model, task, seed=seed, test=False, verbose=False, **fit)
            seconds.append(report.seconds["fitting"])
            accuracies.append([zoo.evaluate(model, each).scores["accuracy"] for each in test_tasks])
        row = "".join(f"{accuracy:7.3f}" for accuracy in np.mean(accuracies, axis=0))
        print(f"{name:11}{row}{np.mean(seconds):10.0f}", flush=True)


if __name__ == "__main__":
    main()
