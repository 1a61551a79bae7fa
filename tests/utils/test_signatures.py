"""Options are what a signature and its docstring say."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest

from zoo.utils.signatures import options_of

METHODS = ("fast", "exact")


def documented(*, units: int = 64, kind: Literal["a", "b"] | object = "a"):
    """Documented.

    Args:
        units: width of the state. A wide one is slow.
        kind: `"a"`, or
            `"b"`; not both.
    """


def function(
    given,
    *,
    required: int,
    units: int = 3,
    kind: str = "b",
    rate: float | None = None,
    is_on: bool = True,
    method: str = "fast",
    place: str | Path | None = None,
    seeds: Sequence[int] | None = None,
    gap: int | Sequence[int] = 0,
    weights: str | Mapping[str, float] | None = None,
    layer: object = None,
    **more,
):
    """Takes options; the others are those of `documented`.

    Args:
        rate, is_on: described in of Kim et al. 2014. It is long.
    """


OPTIONS = options_of(function)


def test_options_are_the_keywords_that_text_can_set():
    assert list(OPTIONS) == [
        *("units", "kind", "rate", "is_on", "method", "place", "seeds", "gap", "weights")
    ]
    kinds = [option.kind for option in OPTIONS.values()]
    assert kinds == [int, str, float, bool, str, str, int, int, str]
    assert OPTIONS["units"].default == 3 and OPTIONS["seeds"].default is None
    assert OPTIONS["is_on"].flag == "--is-on"


def test_choices_are_those_of_an_annotation_or_a_constant():
    assert OPTIONS["method"].choices == METHODS
    # Of the function that the docstring names.
    assert OPTIONS["kind"].choices == ("a", "b")
    assert OPTIONS["place"].choices == ()


def test_help_is_the_first_sentence():
    assert OPTIONS["units"].help == "Width of the state."
    assert OPTIONS["kind"].help == "A, or b; not both."
    assert OPTIONS["method"].help == ""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("units", "4", 4),
        ("kind", "b", "b"),
        ("seeds", "1,2", [1, 2]),
        ("seeds", "1", [1]),
        ("gap", "3", 3),
        ("gap", "3,5", [3, 5]),
        ("weights", "balanced", "balanced"),
        ("weights", "bad=1,good=0.5", {"bad": 1.0, "good": 0.5}),
    ],
)
def test_a_text_is_a_value(name, text, value):
    assert OPTIONS[name].parse(text) == value


@pytest.mark.parametrize(("name", "text"), [("units", "x"), ("kind", "c"), ("seeds", "1,,2")])
def test_other_texts_are_refused(name, text):
    with pytest.raises(ValueError):
        OPTIONS[name].parse(text)
