"""Functions that another process calls."""

import subprocess
import sys

import psutil
import pytest

from tests.helpers import wait_until
from zoo.utils import files, tensorflow_process
from zoo.utils.tensorflow_process import TensorFlowProcess


@pytest.fixture(scope="module")
def process():
    with TensorFlowProcess() as process:
        yield process


def test_values_arrive_as_they_are(process):
    assert process.call("math:hypot", 3, 4.0) == 5.0
    assert process.call("builtins:dict", text=b"\xff", more=["ü", None, True]) == {
        "text": b"\xff",
        "more": ["ü", None, True],
    }
    assert process.call("os:getenv", "KERAS_BACKEND") == "tensorflow"


def test_items_arrive_one_by_one(process):
    items = process.iterate("builtins:enumerate", ["a", "b"])
    assert next(items) == [0, "a"]
    assert list(items) == [[1, "b"]]
    assert process.call("builtins:enumerate", "ab") == [[0, "a"], [1, "b"]]


def test_an_error_keeps_its_type_and_message(process):
    with pytest.raises(ValueError, match=r"invalid literal for int\(\) with base 10: 'x'"):
        process.call("builtins:int", "x")
    with pytest.raises(RuntimeError, match="ZeroDivisionError: float division by zero"):
        process.call("operator:truediv", 1.0, 0.0)
    # The process is still there.
    assert process.call("math:sqrt", 9) == 3


def test_the_zoo_s_own_error_keeps_its_type():
    arguments = ("zoo.utils.files:read_json", ["such.json", "numbers"], {})
    ((kind, (name, message)),) = tensorflow_process._answers_of(*arguments)
    assert (kind, tensorflow_process._ERRORS[name]) == ("error", files.FileError)
    assert message == "such.json is missing: expected numbers there."


def test_modules_are_imported_for_what_they_register(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    tensorflow_process.import_modules(["no.such.module", "colorsys"])
    assert "colorsys" in sys.modules


def test_an_abandoned_answer_ends_the_process_and_the_next_call_starts_another():
    with TensorFlowProcess() as process:
        first = process.call("os:getpid")
        items = process.iterate("itertools:count")
        assert [next(items), next(items)] == [0, 1]
        items.close()
        assert process.call("os:getpid") != first


def test_a_process_that_dies_is_one_sentence():
    with TensorFlowProcess() as process:
        message = r"The process that runs TensorFlow has ended, with status -?\d+\."
        with pytest.raises(RuntimeError, match=message):
            process.call("os:_exit", 3)
        assert process.call("math:sqrt", 9) == 3


def test_it_ends_with_the_process_that_started_it():
    code = (
        "from zoo.utils.tensorflow_process import TensorFlowProcess\n"
        "process = TensorFlowProcess()\n"
        "print(process.call('os:getpid'), flush=True)\n"
        "import os; os._exit(1)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    pid = int(ran.stdout)

    def has_ended():
        # In a container nobody may ask for its status: it stays as a zombie.
        running = psutil.pid_exists(pid)
        return not running or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE

    wait_until(has_ended, seconds=30)
