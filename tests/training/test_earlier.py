"""What an earlier fit has left in a folder never answers for a later one, nor is lost unsaid."""

import shutil

import keras
import numpy as np
import pytest

import zoo
from tests.helpers import made_up_report
from zoo.training.earlier import check_earlier
from zoo.training.run import Run
from zoo.utils import files


@pytest.fixture
def copy(run, tmp_path):
    """A finished run with its SavedModel."""
    shutil.copytree(run, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.fixture(scope="module")
def animals(tmp_path_factory):
    """A task with other classes than the run has."""
    path = tmp_path_factory.mktemp("data") / "animals.csv"
    sounds = {"cow": "moo", "pig": "oink"}
    rows = [f"{sounds[name]} number {i},{name}" for i in range(40) for name in sounds]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    return zoo.tasks.sentiment(zoo.datasets.load(path))


def fit(task, folder, **options):
    model = options.pop("model", None) or zoo.BagOfWords(**task.model_arguments(), embedding_dim=2)
    options = {"epochs": 1, "dashboards": "none", "verbose": False, "test": False, **options}
    return zoo.fit_and_evaluate(model, task, log_dir=folder, **options)


def test_the_saved_model_of_an_earlier_fit_does_not_answer(copy, animals, capsys, eager):
    assert zoo.pipeline(copy.path)("dull").keys() == {"label", "score", "probabilities"}
    (copy.path / "saved_model" / "notes.txt").write_text("mine")
    shutil.copytree(copy.saved_model, copy.path / "7")
    copy.recipe.write_text("")
    fit(animals, copy.path, verbose=True)
    assert "run holds a finished run, which is replaced.\n" in capsys.readouterr().err
    with pytest.raises(zoo.serving.ModelNotFoundError, match="holds no SavedModel"):
        zoo.pipeline(copy.path)
    assert zoo.load(copy.path)[1].label_names == ("cow", "pig")
    assert not copy.logs.exists() and not copy.recipe.exists()
    assert (copy.path / "saved_model" / "notes.txt").read_text() == "mine"


def test_other_weights_remove_the_saved_model_of_a_run(copy):
    other = Run(copy.path.parent / "other")
    shutil.copytree(copy.path, other.path)
    copy.adopt(other)
    assert copy.saved_model.is_dir()
    other.save_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    assert not other.saved_model.exists()
    copy.adopt(other)
    assert not copy.saved_model.exists()


def interrupted(folder, name="checkpoint.npz"):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"")
    return Run(folder)


@pytest.mark.parametrize("name", ["checkpoint.npz", "seed_3/checkpoint.npz", "seed_3/report.json"])
@pytest.mark.parametrize("seeds", [None, [3, 4]])
def test_an_interrupted_fit_is_not_thrown_away_unsaid(name, seeds, animals, tmp_path):
    run = interrupted(tmp_path, name)
    expected = "holds an interrupted fit: resume=True continues it, overwrite=True removes it"
    with pytest.raises(ValueError, match=expected):
        fit(animals, tmp_path, **({"seeds": seeds, "model": dict} if seeds else {}))
    assert (tmp_path / name).exists()
    assert check_earlier(run, seeds, resume=False, overwrite=True) == []


def test_an_interrupted_fit_is_overwritten_on_request(animals, tmp_path, eager):
    interrupted(tmp_path, "seed_3/checkpoint.npz")
    interrupted(tmp_path)
    (tmp_path / "seed_words.txt").write_text("mine")
    with pytest.raises(ValueError, match="resume must be False with overwrite=True"):
        fit(animals, tmp_path, resume=True, overwrite=True)
    fit(animals, tmp_path, overwrite=True)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"model.keras", "task.json", "report.json", "manifest.json", "seed_words.txt"}


@pytest.mark.parametrize(
    ("there", "now", "is_refused"),
    [
        ("seed_3/checkpoint.npz", None, True),
        ("seed_3/checkpoint.npz", [4, 5], True),
        ("seed_3/checkpoint.npz", [3, 4], False),
        ("checkpoint.npz", [3, 4], True),
        ("checkpoint.npz", None, False),
        ("nothing.txt", [3, 4], False),
    ],
)
def test_only_the_same_seeds_are_resumed(there, now, is_refused, tmp_path):
    run = interrupted(tmp_path, there)
    if not is_refused:
        assert check_earlier(run, now, resume=True, overwrite=False) == []
        return
    with pytest.raises(ValueError, match=r"different arguments \(seeds: .* there, .* now\), so it"):
        check_earlier(run, now, resume=True, overwrite=False)


def test_the_seeds_of_a_finished_run_are_those_of_its_report(tmp_path):
    run, report = Run(tmp_path), made_up_report(seed=1)
    run.task.write_text("")
    made_up_report(seed=None, runs=[report]).save(run.report)
    for seeds in (None, [2]):
        with pytest.raises(ValueError, match=r"seeds: \[1\] there"):
            check_earlier(run, seeds, resume=True, overwrite=False)
    assert check_earlier(run, [1, 2], resume=True, overwrite=False) == []


@pytest.mark.parametrize("name", ["model.keras", "report.json", "saved_model.pb", "logs"])
def test_a_folder_with_files_of_others_is_refused(name, animals, tmp_path):
    (tmp_path / name).mkdir() if name == "logs" else (tmp_path / name).write_text("mine")
    for options in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(files.FileError, match=f"it holds {name} and no task.json. Use another"):
            fit(animals, tmp_path, **options)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_model_that_was_trained_before_says_so(animals, tmp_path, capsys, eager):
    model = zoo.BagOfWords(**animals.model_arguments(), embedding_dim=2)
    first = fit(animals, tmp_path / "run", model=model)
    second = fit(animals, tmp_path / "second", model=model, verbose=True)
    loaded = fit(animals, tmp_path / "third", model=zoo.load(tmp_path / "run")[0])
    assert [r.model["was_trained"] for r in (first, second, loaded)] == [False, True, True]
    sentence = "The model had been trained before this fit, which continues from its weights."
    assert f"Note: {sentence}\n" in capsys.readouterr().err
    assert sentence in second._repr_html_() and sentence not in first._repr_html_()


def test_several_seeds_need_a_new_model_each(animals, tmp_path, eager):
    model = zoo.BagOfWords(**animals.model_arguments(), embedding_dim=2)
    with pytest.raises(ValueError, match="returns a new model; it returns the same one each time"):
        fit(animals, tmp_path, model=lambda: model, seeds=[1, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gru", "TASK"), "model must be a Keras model or a function that makes one; it is 'gru'"),
        ((lambda: None, "TASK"), "model must be a function that makes a Keras model; its result"),
        ((dict, "sentiment"), "task must be a task, such as .*; it is 'sentiment'"),
    ],
)
def test_what_is_no_model_or_no_task_is_one_sentence(arguments, message, animals):
    model, task = (animals if argument == "TASK" else argument for argument in arguments)
    with pytest.raises(TypeError, match=message):
        zoo.fit_and_evaluate(model, task, epochs=1, verbose=False)


def test_a_refusal_to_resume_says_in_words_what_differs(tmp_path):
    from zoo.training.resume import check_same

    there = {"data": "c0ffee", "training.epochs": 1, "task.text_to_ids.vocabulary": "CRC 1"}
    there |= {"initial_weights": None, "model.units": "30 characters, CRC 1"}
    now = {"data": "cafe", "training.epochs": 2, "task.text_to_ids.vocabulary": "CRC 2"}
    now |= {"initial_weights": "CRC 3", "model.units": "31 characters, CRC 2"}
    with pytest.raises(ValueError) as told:
        check_same(Run("runs/a"), there, now)
    assert str(told.value) == (
        "runs/a was started with different arguments (the texts or labels of the data differ; "
        "training.epochs: 1 there, 2 now; the vocabulary differs; the initial weights are given "
        "now, and were not there; model.units differs), so it cannot be resumed. Use another "
        "folder, or overwrite=True."
    )
    parts = {f"model.blocks.{index}": index for index in range(9)}
    with pytest.raises(ValueError, match=r"\(model\.name: 'gru' there, 'lstm' now\), so"):
        check_same(Run("a"), {"model.name": "gru", **parts}, {"model.name": "lstm"})


def test_names_that_keras_has_numbered_do_not_differ():
    from zoo.training.resume import model_config

    def build():
        layers = [keras.layers.Embedding(9, 2), keras.layers.Dense(2), keras.layers.Dense(2)]
        model = keras.Sequential(layers)
        model.build((None, None))
        return model

    first, second = build(), build()
    assert first.name != second.name
    assert model_config(first) == model_config(second)
    second.set_weights([np.zeros_like(weight) for weight in second.get_weights()])
    other = keras.Sequential([keras.layers.Embedding(9, 2), keras.layers.Dense(3)])
    other.build((None, None))
    assert model_config(first) != model_config(other)
