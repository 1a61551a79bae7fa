"""Recipes: data that makes a fit again."""

import pytest

import zoo
from zoo.catalog.recipe import Recipe
from zoo.training.loop import Loop
from zoo.utils import files

RECIPE = Recipe(
    "gru",
    "sentiment",
    "synthetic_reviews",
    data_options={"train_size": 200, "validation_size": 50, "test_size": 50, "seed": 1},
    task_options={"lowercase": False, "adversarial": 0.5},
    model_options={"units": 8, "embedding_dim": 8, "pooling": "last"},
    training={"epochs": 1, "learning_rate": 1e-05, "seeds": [1, 2]},
)


def test_a_recipe_is_what_was_written(tmp_path):
    RECIPE.save(tmp_path / "recipe.toml")
    assert Recipe.load(tmp_path / "recipe.toml") == RECIPE
    assert Recipe.find(tmp_path) == RECIPE


def test_defaults_are_not_written():
    text = Recipe("gru", "sentiment").to_toml()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines == ['model = "gru"', 'task = "sentiment"']


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("model = ", "is not a recipe in TOML"),
        ('model = "gru"', "missing required field `task`"),
        ('model = "gru"\ntask = "sentiment"\nunits = 3', "wrong or missing: units"),
        (
            'model = "gru"\ntask = "sentiment"\ntraining = 3',
            r"Expected `object`, got `int` - at `\$.training`",
        ),
        ('model = "gru"\ntask = "sent', "is not a recipe in TOML"),
    ],
)
def test_what_is_no_recipe_is_refused_in_a_sentence(text, fault, tmp_path):
    (tmp_path / "recipe.toml").write_text(text)
    with pytest.raises(files.FileError, match=rf"recipe\.toml .*{fault}"):
        Recipe.find(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "recipe.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(files.FileError, match="is not a recipe in TOML"):
        Recipe.find(tmp_path)


def test_a_place_without_one_is_refused(tmp_path):
    with pytest.raises(files.FileError, match=r"There is no recipe at .*nowhere: expected a TOML"):
        Recipe.find(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"model": "grru"}, "gru"),
        ({"task": "sentimant"}, "sentiment"),
        ({"model_options": {"unitts": 3}}, "unitts"),
        ({"task_options": {"lowercases": 3}}, "lowercases"),
    ],
)
def test_names_are_looked_at_before_anything_takes_long(change, fault):
    import dataclasses

    with pytest.raises(ValueError, match=fault):
        dataclasses.replace(RECIPE, **change).check()


def test_a_packaged_recipe_and_its_card_hold_no_path():
    from tests.helpers import made_up_report
    from zoo.catalog.card import card

    recipe = Recipe(
        "gru",
        "sentiment",
        "/elsewhere/data/mine.csv",
        initial_weights="../runs/writer",
        data_options={"data_dir": "/elsewhere/tfds", "test_data": "a/b.csv", "text_column": "body"},
    )
    packaged = recipe.without_paths()
    assert (packaged.data, packaged.initial_weights) == ("mine.csv", "writer")
    assert packaged.data_options == {"test_data": "b.csv", "text_column": "body"}
    text = card("mine", made_up_report(), packaged.to_toml())
    for folder in ("elsewhere", "../runs", "a/b"):
        assert folder in recipe.to_toml() and folder not in text
    named = Recipe("gru", "sentiment", "imdb_reviews", initial_weights="gru_imdb_words")
    assert named.without_paths() == named


def test_two_fits_of_one_recipe_are_one_model(tmp_path):
    import dataclasses

    recipe = dataclasses.replace(
        RECIPE,
        task_options={"lowercase": False},
        training={"epochs": 1, "seed": 2, "dashboards": "none"},
    )
    for name in ("one", "other"):
        recipe.fit_from_scratch(tmp_path / name, command="a test", verbose=False)
    pairs = zip(
        *(zoo.load(tmp_path / name)[0].get_weights() for name in ("one", "other")), strict=True
    )
    assert all((one == other).all() for one, other in pairs)
    assert Recipe.find(tmp_path / "one") == recipe


@pytest.mark.slow
def test_pre_training_comes_first_and_once(tmp_path):
    """The classifier begins with the language model's weights and vocabulary, made on the way."""
    import dataclasses

    writer = Recipe(
        "gru",
        "text_generation",
        "synthetic_reviews",
        data_options=RECIPE.data_options,
        model_options={"units": 8, "embedding_dim": 8, "tie_embeddings": True},
        training={"epochs": 1, "seed": 1, "dashboards": "none"},
    )
    writer.save(tmp_path / "recipes" / "writer.toml")
    place = tmp_path / "recipes" / "writer.toml"
    classifier = dataclasses.replace(
        Recipe("gru", "sentiment", "synthetic_reviews", data_options=RECIPE.data_options),
        initial_weights=str(place),
        model_options={"units": 8, "embedding_dim": 8},
        training={"epochs": 1, "seed": 1, "learning_rate": 1e-30, "dashboards": "none"},
    )
    for name in ("first", "second"):
        classifier.fit_from_scratch(tmp_path / "runs" / name, command="a test", verbose=False)
        written = tmp_path / "runs" / "writer" / "model.keras"
        if name == "first":
            time = written.stat().st_mtime_ns
    assert written.stat().st_mtime_ns == time
    source, source_task = zoo.load(tmp_path / "runs" / "writer")
    for name in ("first", "second"):
        model, task = zoo.load(tmp_path / "runs" / name)
        assert task.text_to_ids.vocabulary == source_task.text_to_ids.vocabulary
        for layer in ("token_embedding", "block_0"):
            pairs = zip(
                source.get_layer(layer).get_weights(),
                model.get_layer(layer).get_weights(),
                strict=True,
            )
            assert all((one == other).all() for one, other in pairs)


def test_what_begins_from_a_model_takes_its_widths_and_not_its_head(tmp_path):
    source = Recipe(
        "gru",
        "text_generation",
        model_options={"units": 8, "embedding_dim": 16, "tie_embeddings": True},
        task_options={"sequence_length": 64},
    )
    source.save(tmp_path / "recipe.toml")
    classifier = Recipe("gru", "sentiment", model_options={"units": 4}).starting_from(tmp_path)
    assert classifier.model_options == {"units": 4, "embedding_dim": 16}
    assert classifier.task_options == {}
    assert classifier.initial_weights == str(tmp_path)
    writer = Recipe("gru", "text_generation").starting_from(tmp_path)
    assert writer.model_options == source.model_options
    assert writer.task_options == source.task_options


def test_a_run_resumes_in_another_working_directory(tmp_path, monkeypatch, eager):
    """Its data and weights are found, and compared by what they hold."""
    for folder in ("elsewhere", "sub"):
        (tmp_path / folder).mkdir()
    rows = [f"{'fine' if i % 2 else 'dull'} film {i},{i % 2}" for i in range(60)]
    (tmp_path / "mine.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    (tmp_path / "elsewhere" / "mine.csv").write_text("\n".join(["text,label", *rows[:50]]) + "\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    def fit(out, data, **options):
        recipe = Recipe(
            "bag_of_words",
            "sentiment",
            data,
            model_options={"embedding_dim": 2},
            training={"epochs": 1, "dashboards": "none"},
            **options,
        )
        return recipe.fit(out, verbose=False)

    monkeypatch.chdir(tmp_path)
    first = fit("run", "mine.csv")
    monkeypatch.setattr(Loop, "fit", None)
    monkeypatch.chdir(tmp_path / "sub")
    assert fit("../run", "../mine.csv") == fit("~/run", "~/mine.csv") == first
    assert Recipe.find("../run").fit("../run", verbose=False) == first
    with pytest.raises(ValueError, match=r"\(the texts or labels of the data differ\), so it cann"):
        fit("../run", "../elsewhere/mine.csv")
