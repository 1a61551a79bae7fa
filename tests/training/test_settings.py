"""The options of a fit: in one place, and visible from outside."""

import dataclasses
import inspect

import pytest

import zoo
from zoo.registry import UnknownNameError
from zoo.training.settings import Settings

NAMES = [field.name for field in dataclasses.fields(Settings)]


@pytest.mark.parametrize("function", ["fit_and_evaluate", "dry_run"])
def test_every_option_is_in_signature_and_documentation(function):
    function = getattr(zoo, function)
    parameters = inspect.signature(function).parameters
    assert [name for name in parameters if name in NAMES] == NAMES
    for field in dataclasses.fields(Settings):
        assert parameters[field.name].default == field.default
    documented = inspect.getdoc(function)
    assert [name for name in NAMES if f"\n    {name}: " not in documented] == []
    assert "**settings" not in documented and "\n\nReturns:\n" in documented


@pytest.mark.parametrize("function", ["fit_and_evaluate", "dry_run"])
def test_a_name_that_is_no_option_is_refused_with_the_nearest(function):
    with pytest.raises(UnknownNameError, match=rf"argument of {function} 'epoch'.*mean 'epochs'"):
        getattr(zoo, function)(None, None, epoch=3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"dashboards": "some"}, "dashboards must be one of none, default, all; it is 'some'"),
        ({"weight_decay": -1.0}, "weight_decay must be 0 or more; it is -1.0"),
        ({"early_stopping": 0}, "early_stopping must be at least 1; it is 0"),
        ({"clip_norm": float("inf")}, "clip_norm must be above 0; it is inf"),
    ],
)
def test_values_out_of_range_are_refused(value, expected):
    with pytest.raises(ValueError, match=expected):
        Settings(**value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 1.5}, r"epochs must be a whole number; it is 1\.5"),
        ({"batch_size": 32.0}, r"batch_size must be a whole number; it is 32\.0"),
        ({"early_stopping": True}, "early_stopping must be a whole number; it is True"),
        ({"seed": -1}, "seed must be a whole number from 0 to 4294967295; it is -1"),
        ({"seed": 2**33}, "seed must be a whole number from 0 to 4294967295; it is 8589934592"),
        ({"seeds": [1, "2"]}, "seed must be a whole number from 0 to 4294967295; it is '2'"),
        ({"optimizer": "Adam"}, r"it is 'Adam'\. Did you mean 'adam'\?"),
        ({"dashboards": "All"}, r"it is 'All'\. Did you mean 'all'\?"),
    ],
)
def test_a_near_miss_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Settings(**arguments)
