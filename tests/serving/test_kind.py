"""A task names the kind of its SavedModel; what it lacks for that is said before a fit."""

import dataclasses
import types

import pytest

import zoo
from tests.helpers import bag_recipe
from zoo import tasks
from zoo.registry import UnknownNameError
from zoo.serving import check_exportable, serving_kind
from zoo.tasks.metric import main_metric


@pytest.fixture(params=tasks.list_tasks())
def task_class(request):
    return tasks.task_class(request.param)


def test_every_task_names_a_kind_and_a_pipeline(task_class):
    kind = serving_kind(task_class.serving)
    assert kind.kind == task_class.serving and kind.purpose
    pipelines = [tasks.task_class(name).pipeline for name in tasks.list_tasks()]
    assert pipelines.count(task_class.pipeline) == 1


def test_every_task_has_words_for_its_cards(task_class):
    description = task_class.description
    assert description.purpose.endswith(".")
    assert {language for language, _ in description.use} == {"sh", "python"}
    assert all(sentence.endswith(".") for sentence in description.misuse)


def test_every_task_says_how_its_scores_are_read(task_class):
    names = [metric.name for metric in task_class.metrics]
    assert len(set(names)) == len(names)
    assert main_metric(task_class.metrics).listed
    metric, mode = task_class.monitor
    (monitored,) = (each for each in task_class.metrics if f"val_{each.name}" == metric)
    assert mode == ("max" if monitored.higher_is_better else "min")
    with pytest.raises(ValueError, match="one metric of a task must be the main one; 0 are"):
        main_metric(dataclasses.replace(each, main=False) for each in task_class.metrics)


def test_what_a_task_lacks_for_its_kind_is_said_before_a_fit(reviews):
    check_exportable(zoo.tasks.sentiment(reviews))
    check_exportable(zoo.tasks.text_generation(reviews))
    with pytest.raises(
        UnknownNameError, match="Unknown kind of SavedModel 'divine': expected one of classify"
    ):
        check_exportable(types.SimpleNamespace(name="oracle", serving="divine"))
    with pytest.raises(ValueError, match="must have text_to_ids, label_names, .*; oracle lacks"):
        check_exportable(types.SimpleNamespace(name="oracle", serving="classify"))
    with pytest.raises(ValueError, match="quantization must be one of float32, .*; it is 'int4'"):
        check_exportable(zoo.tasks.sentiment(reviews), "int4")


@pytest.mark.parametrize("verb", ["fit", "dry_run"])
def test_an_unknown_quantization_is_refused_before_a_fit(verb, tmp_path):
    recipe = dataclasses.replace(bag_recipe(), quantization="int4")
    with pytest.raises(ValueError, match="quantization must be one of"):
        getattr(recipe, verb)(tmp_path / "run")
    assert not (tmp_path / "run" / "recipe.toml").exists()


def test_a_model_knows_its_kind(run, writing_run):
    assert isinstance(zoo.pipeline(run), zoo.TextClassifier)
    assert isinstance(zoo.pipeline(writing_run), zoo.TextGenerator)
