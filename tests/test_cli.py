"""The command line, in this process where that will do and in one of its own where not."""

import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import zoo
from tests.helpers import bag_recipe
from zoo.catalog.recipe import Recipe

# Tracing takes most of the time of a small fit, and other tests fit in graphs.
pytestmark = pytest.mark.usefixtures("eager")

ZOO = [sys.executable, "-c", "from zoo.cli import main; main()"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A file of one's own: three classes, told by one word."""
    path = tmp_path_factory.mktemp("data") / "mine.csv"
    words = {"low": "bad", "middle": "fair", "high": "good"}
    rows = [f'"a {words[s]} film, number {i}",{s}' for i in range(60) for s in words]
    path.write_text("\n".join(["body,stars", *rows]) + "\n")
    return path


SMALL = ("--units", 8, "--embedding-dim", 8, "--epochs", 1, "--dashboards", "none", "--quiet")


def fit(call, table, out, *more):
    columns = ("--text-column", "body", "--label-column", "stars")
    return call("fit", "gru", "sentiment", "--data", table, *columns, *SMALL, "--out", out, *more)


def test_from_a_file_of_ones_own_to_labels(call, table, tmp_path):
    out = tmp_path / "runs" / "mine"
    status, printed, _ = fit(
        *(call, table, out, "--epochs", 8, "--learning-rate", 0.05, "--json", "--seed", 1),
        *("--dashboards", "default"),
    )
    assert status == 0
    parts = {"report.json", "recipe.toml", "manifest.json", "model.keras", "task.json"}
    assert parts | {"saved_model", "logs"} == {path.name for path in out.iterdir()}
    report = json.loads(printed)
    assert report == json.loads((out / "report.json").read_text())
    assert report["test"]["accuracy"] == 1.0 and report["seed"] == 1
    assert report["command"].startswith("zoo fit gru sentiment --data ")

    status, printed, _ = call("predict", "--model", out, "a good film", "a bad film")
    assert status == 0
    assert [line.split("\t")[0] for line in printed.splitlines()] == ["high", "low"]
    lines = b"a fair film\r\n\xff\xfe bad\n"
    status, printed, _ = call("predict", "--model", out, "--json", stdin=lines)
    answers = [json.loads(line) for line in printed.splitlines()]
    assert [answer["label"] for answer in answers] == ["middle", "low"]
    assert answers[0]["text"] == "a fair film"
    assert sum(answers[0]["probabilities"].values()) == pytest.approx(1)

    scored = tmp_path / "scored.csv"
    arguments = ("--input", table, "--output", scored, "--text-column", "body")
    assert call("predict", "--model", out, *arguments)[0] == 0
    assert scored.read_text().splitlines()[1].split(",")[-2] == "low"

    status, printed, _ = call("evaluate", "--model", out, "--json")
    assert json.loads(printed)["scores"]["accuracy"] == report["test"]["accuracy"]

    status, printed, _ = call("export", out, "--out", tmp_path / "exported" / "7")
    assert (status, printed.strip()) == (0, str(tmp_path / "exported" / "7"))
    assert call("predict", "--model", tmp_path / "exported", "a good film")[1].startswith("high")


def test_several_seeds(call, table, tmp_path):
    status, printed, _ = fit(call, table, tmp_path / "run", "--seeds", "1,2")
    assert status == 0 and "± " in printed and "1, 2" in printed
    report = zoo.Report.load(tmp_path / "run" / "report.json")
    assert [run.seed for run in report.runs] == [1, 2]
    assert zoo.pipeline("sentiment-analysis", tmp_path / "run")("good")["label"]


def test_what_there_is(call):
    status, printed, _ = call("list")
    assert status == 0
    for name in [*zoo.list_models(), "sentiment", "imdb_reviews", "synthetic_reviews"]:
        assert name in printed


FIT = ("fit", "lstm", "sentiment", "--out", "OUT")
FIT_WRITER = ("fit", "gru", "text_generation", "--out", "OUT")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "ltsm", "sentiment", "--out", "OUT"), "Unknown model 'ltsm'"),
        (("fit", "lstm", "sentimnt", "--out", "OUT"), "Did you mean 'sentiment'"),
        (
            (*FIT, "--num-heads", "2"),
            "lstm does not take --num-heads, which is an option of",
        ),
        ((*FIT, "--num-layesr", "2"), "No such option --num-layesr. Did you mean --num-layers?"),
        ((*FIT, "--train-size", "2"), "imdb_reviews does not take --train-size, which is an"),
        ((*FIT, "--data", "imbd_reviews"), "Unknown dataset 'imbd_reviews'"),
        ((*FIT, "--data", "missing.csv"), "There is no file or folder"),
        ((*FIT, "--data", "TABLE"), "has no column 'text'"),
        ((*FIT, "--data", "TABLE", "--text-column", "body"), "has no column 'label'"),
        ((*FIT, "--data", "ONE"), "class"),
        ((*FIT, "--data", "ONE", "--test-data", "OTHER"), "class"),
        ((*FIT, "--data", "TWO", "--test-data", "OTHER"), "awful"),
        ((*FIT, "--epochs", "0", "--data", "TWO"), "epochs must be at least 1; it is 0"),
        ((*FIT, "--epochs", "many"), "'many' is not a valid integer"),
        ((*FIT, "--pooling", "mean"), "'mean' is not one of"),
        ((*FIT, "--seed", "1", "--seeds", "1,2"), "Give --seed or --seeds, not both"),
        ((*FIT, "--seeds"), "Option '--seeds' requires an argument"),
        ((*FIT, "--seeds", "1,two"), "invalid literal for int() with base 10: 'two'"),
        (("fit", "lstm", "sentiment"), "Missing option '--out'"),
        (("predict", "a text", "--model", "nowhere"), "There is no model at nowhere"),
        (
            ("predict", "--model", "RUN", "--input", "TWO"),
            "--input and --output must be given together",
        ),
        (
            ("predict", "--model", "RUN", "--input", "missing.csv", "--output", "OUT.csv"),
            "There is no file missing.csv",
        ),
        (
            ("predict", "--model", "RUN", "--input", "TABLE", "--output", "OUT.csv"),
            "has no column 'text'",
        ),
        (("evaluate", "--model", "nowhere"), "There is no model at nowhere"),
        (("evaluate", "--model", "RUN", "--label-column", "x"), "require --data"),
        (("evaluate", "--model", "RUN", "--data", "TWO"), "The labels of"),
        (("export", "nowhere"), "There is no model at nowhere"),
        (("export", "RUN", "--out", "TABLE/1"), "Cannot write"),
        (("generate", "The", "--model", "WRITER", "--temperature", "-1"), "0 or more; it is -1"),
        (("generate", "The", "--model", "WRITER", "--num-beams", "0"), "num_beams must be 1"),
        (("generate", "The", "--model", "nowhere"), "There is no model at nowhere"),
        (("generate", "The", "--model", "RUN"), "is not a model for text generation"),
        (
            ("predict", "The", "--model", "WRITER"),
            "The model must predict a label or a number per text; WRITER is for text generation.",
        ),
        (("explain", "The", "--model", "nowhere"), "There is no model at nowhere"),
        (("explain", "The", "--model", "WRITER"), "Only the prediction of a classifier"),
        (("explain", "The", "--model", "RUN", "--label", "fine"), "label must be one of negative"),
        (("explain", "The", "--method", "guess"), "'guess' is not one of"),
        (
            (*FIT_WRITER, "--label-column", "x"),
            "text_generation does not use a label column: leave out --label-column",
        ),
        (
            (*FIT_WRITER, "--truncation", "end"),
            "text_generation does not take --truncation, which is an option of regression and "
            "sentiment",
        ),
        (
            (*FIT_WRITER, "--data", "TWO", "--label-column", "label"),
            "does not use a label column",
        ),
        (
            (*FIT_WRITER, "--data", "TWO", "--sequence-length", "1"),
            "sequence_length must be 2 or more; it is 1",
        ),
        (("chess",), "No such command 'chess'"),
    ],
)
def test_a_fault_is_one_sentence_and_status_2(
    call, arguments, message, table, run, writing_run, tmp_path
):
    two = "text,label\n" + "".join(f"word {i},{'good' if i % 2 else 'bad'}\n" for i in range(40))
    files = {
        "TABLE": table,
        "RUN": run,
        "WRITER": writing_run,
        "ONE": tmp_path / "one.csv",
        "TWO": tmp_path / "two.csv",
        "OTHER": tmp_path / "other.csv",
    }
    files["ONE"].write_text("text,label\n" + "".join(f"word {i},good\n" for i in range(40)))
    files["TWO"].write_text(two)
    files["OTHER"].write_text("text,label\na word,awful\nanother,good\n")

    def filled(argument):
        for name, path in files.items():
            argument = argument.replace(name, str(path))
        return argument.replace("OUT", str(tmp_path / "out"))

    status, printed, error = call(*map(filled, arguments))
    assert (status, printed) == (2, "")
    assert message.replace("WRITER", str(writing_run)) in error and "Traceback" not in error
    assert error.startswith("Error: ") and error.count("\n") == 1
    assert not (tmp_path / "out" / "report.json").exists()


def test_terminals_stay_quiet(run, tmp_path):
    """In a process of its own TensorFlow is imported, and neither stream says so."""
    ran = subprocess.run(
        [*ZOO, "predict", "--model", run, "--json", "a film"],
        capture_output=True,
        cwd=pathlib.Path(__file__).parent.parent,
        text=True,
        timeout=300,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert set(json.loads(ran.stdout)) == {"text", "label", "score", "probabilities"}


def test_an_answer_is_explained(call, run):
    text = "The music was not dull, but the story was weak."
    status, printed, error = call("explain", text, "--model", run, "--json")
    assert (status, error) == (0, "")
    entries, expected = json.loads(printed), zoo.explain(text, run)
    assert entries["method"] == "integrated_gradients" and entries["label"] == expected.label
    assert entries["tokens"] == list(expected.tokens)
    assert entries["scores"] == pytest.approx(expected.scores.tolist(), abs=1e-5)

    flags = ("--model", run, "--method", "occlusion", "--label", "positive")
    status, printed, _ = call("explain", *flags, stdin=b"a dull film\r\n\xff weak\n")
    assert status == 0
    assert printed.count("positive, ") == 2 and printed.count("words by occlusion") == 2
    assert "a dull film\n" in printed and "\ufffd weak\n" in printed and "dull " in printed


def test_help_lists_the_options_of_a_fit(call):
    status, printed, _ = call("fit", "gru", "sentiment", "--data", "mine.csv", "--help")
    assert status == 0
    # An example is a line to copy.
    assert "  zoo fit lstm sentiment --data imdb_reviews --seed 1 --out runs/lstm\n" in printed
    for words in (
        *("--pooling [last|average|max|average+max]", "--seeds", "--text-column", "--data-seed"),
        *("--quantization [float32|float16|int8]", "--optimizer [adam|", "--markup [remove|keep]"),
    ):
        assert words in printed
    headings = [line for line in printed.splitlines() if line.endswith(":") and line[0] != " "]
    assert headings == ["Model:", "Task:", "Data:", "Training:", "Output:", "Options:"]
    for words in ("--num-heads", "--context-length", "--train-size", "--vocabulary-of", "--head "):
        assert words not in printed
    assert "  --data-dir " in call("fit", "lstm", "sentiment", "--help")[1]
    writer = call("fit", "gru", "text_generation", "--data", "mine.csv", "--help")[1]
    assert "\n  --text-column " in writer and "\n  --label-column " not in writer
    assert "--num-heads" in call("fit", "gpt", "--help")[1]


def test_help_of_a_fit_names_no_option_twice_and_describes_each(call):
    for task in zoo.tasks.list_tasks():
        for model in zoo.list_models(zoo.tasks.task_class(task).head):
            for data in (*zoo.datasets.list_datasets(), "mine.csv"):
                status, printed, _ = call("fit", model, task, "--data", data, "--help")
                assert status == 0
                flags = re.findall(r"^  (--[\w-]+)", printed, flags=re.MULTILINE)
                assert len(flags) == len(set(flags)), flags
                for flag in flags:
                    text = printed.split(f"\n  {flag} ")[1].split("\n  -")[0]
                    assert re.search(r"[a-z]{3,}", re.sub(r"\[.*?\]|--\S+", "", text)), flag


def test_the_package_is_a_command():
    ran = subprocess.run(
        [sys.executable, "-m", "zoo", "--version"], capture_output=True, text=True, timeout=60
    )
    assert (ran.returncode, ran.stdout) == (0, f"zoo, version {zoo.__version__}\n")


def test_help_of_fit_alone_is_quick(call):
    code = "import atexit, sys; atexit.register(lambda: print({'keras', 'tensorflow'} & set("
    ran = subprocess.run(
        [*ZOO[:2], f"{code}sys.modules))); {ZOO[2]}", "fit", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0 and ran.stdout.endswith("set()\n")
    assert "zoo fit lstm sentiment --help" in ran.stdout


def test_options_that_signatures_alone_name(call, tmp_path):
    """No line of the command line's code names them."""
    out = tmp_path / "out"
    words = ("fit", "simple_rnn", "sentiment", "--data", "synthetic_reviews", "--out", out)
    data = ("--train-size", 60, "--validation-size", 20, "--test-size", 20, "--gap", "0,4")
    more = ("--data-seed", 5, "--recurrent-gain", 0.7, "--min-frequency", 1, "--markup", "keep")
    weights = ("--class-weights", "negative=1,positive=2", "--no-lowercase")
    assert call(*words, *SMALL, *data, *more, *weights)[0] == 0
    recipe = Recipe.find(out)
    assert recipe.data_options == {
        **{"train_size": 60, "validation_size": 20, "test_size": 20, "gap": [0, 4], "seed": 5},
    }
    assert recipe.model_options["recurrent_gain"] == 0.7
    assert recipe.task_options == {
        **{"min_frequency": 1, "markup": "keep", "lowercase": False},
        "class_weights": {"negative": 1.0, "positive": 2.0},
    }
    assert not zoo.load(out)[1].has_data


# Writing

VERSE = "".join(f"Line {i} of a song that goes on and on.\n" for i in range(60))


@pytest.mark.parametrize("source", ["my.txt", "my.csv"])
def test_from_a_text_of_ones_own_to_more_of_it(call, tmp_path, source):
    data, out = tmp_path / source, tmp_path / "run"
    columns = ()
    if source == "my.txt":
        data.write_text(VERSE)
    else:
        data.write_text(
            "\n".join(["id,line", *(f'{i},"{v}"' for i, v in enumerate(VERSE.split("\n")))])
        )
        columns = ("--text-column", "line")
    small = (*SMALL, "--level", "character", "--sequence-length", 32, "--batch-size", 8, "--json")
    if source == "my.txt":
        small += ("--dashboards", "default")
    arguments = ("fit", "gru", "text_generation", "--data", data, *columns, *small)
    status, printed, error = call(*arguments, "--out", out)
    assert status == 0, error
    report = json.loads(printed)
    assert report["task"] == "text_generation"
    assert set(report["test"]) == {"loss", "perplexity", "bits_per_character"}
    _, task = zoo.load(out)
    assert (task.text_to_ids.tokenizer.name, task.sequence_length) == ("character", 32)
    # The lines of a table end, a running text does not.
    assert task.text_to_ids.add_end == (source == "my.csv")
    parts = {"report.json", "recipe.toml", "manifest.json", "model.keras", "task.json"}
    parts |= {"saved_model", "logs"} if source == "my.txt" else {"saved_model"}
    assert parts == {path.name for path in out.iterdir()}

    written = ("--max-new-tokens", 5, "--temperature", 0.5)
    status, printed, _ = call("generate", "--model", out, "Line", *written)
    assert status == 0 and printed.startswith("Line") and printed.endswith("\n")
    assert len(printed) <= len("Line") + 5 + 1


def test_a_prompt_is_continued_as_the_pipeline_does(call, writing_run):
    options = {"max_new_tokens": 10, "seed": 4}
    expected = zoo.pipeline("text-generation", writing_run)("The story was", **options)
    flags = ("--max-new-tokens", 10, "--seed", 4)
    status, printed, error = call("generate", "--model", writing_run, "The story was", *flags)
    assert (status, printed, error) == (0, expected["text"] + "\n", "")
    _, printed, _ = call("generate", "--model", writing_run, "The story was", *flags, "--json")
    answer = json.loads(printed)
    assert answer.pop("prompt") == "The story was" and answer == expected


def test_prompts_are_read_from_standard_input(call, writing_run):
    arguments = ("generate", "--model", writing_run, "--max-new-tokens", 3, "--json")
    status, printed, _ = call(*arguments, stdin=b"The story\r\n\n\xff doctor\n")
    answers = [json.loads(line) for line in printed.splitlines()]
    assert status == 0
    assert [answer["prompt"] for answer in answers] == ["The story", "", "\ufffd doctor"]
    assert all(answer["text"].startswith(answer["prompt"]) for answer in answers)
    status, printed, _ = call("generate", "--model", writing_run, stdin=b"")
    assert (status, printed) == (0, "")


def test_beams_from_the_command_line(call, writing_run):
    options = {"max_new_tokens": 4, "num_beams": 3}
    expected = zoo.pipeline("text-generation", writing_run)(["For", "The"], **options)
    flags = ("--max-new-tokens", 4, "--num-beams", 3)
    status, printed, _ = call("generate", "--model", writing_run, "For", "The", *flags)
    assert status == 0
    assert printed.splitlines() == [answer["text"] for answer in expected]


def test_a_writer_is_evaluated(call, writing_run, tmp_path):
    report = zoo.Report.load(writing_run / "report.json")
    status, printed, _ = call("evaluate", "--model", writing_run, "--json")
    scores = json.loads(printed)
    assert status == 0 and scores["scores"] == pytest.approx(report.test, rel=1e-5)
    assert scores["tokens"] == report.details["tokens"]
    _, printed, _ = call("evaluate", "--model", writing_run, "--split", "validation")
    assert [line.split()[0] for line in printed.splitlines()] == list(report.test)
    mine = tmp_path / "mine.csv"
    mine.write_text("text\n" + "".join(f"The story was dull {i}.\n" for i in range(30)))
    status, printed, _ = call("evaluate", "--model", writing_run, "--data", mine, "--json")
    assert status == 0 and json.loads(printed)["scores"]["loss"] > 0


def test_from_a_run_to_ones_own_data(call, table, run, tmp_path):
    """Three classes in place of two: the vocabulary and all but the head have moved."""
    source = tmp_path / "source"
    shutil.copytree(run, source)
    Recipe("gru", "sentiment", model_options={"embedding_dim": 8, "units": 8}).save(
        source / "recipe.toml"
    )
    columns = ("--text-column", "body", "--label-column", "stars")
    out = tmp_path / "out"
    more = ("--epochs", 1, "--learning-rate", 1e-30, "--quiet", "--json")
    status, printed, _ = call(
        "fit", "--from", source, "--data", table, *columns, *more, "--out", out
    )
    assert status == 0
    assert json.loads(printed)["dataset"]["name"] == "mine.csv"
    model, task = zoo.load(out)
    began, its_task = zoo.load(source)
    assert task.label_names == ("high", "low", "middle")
    assert task.text_to_ids.vocabulary == its_task.text_to_ids.vocabulary
    for layer in ("token_embedding", "block_0"):
        pairs = zip(
            began.get_layer(layer).get_weights(), model.get_layer(layer).get_weights(), strict=True
        )
        assert all((one == other).all() for one, other in pairs)
    assert model.output.shape[-1] == 3


def test_a_recipe_and_what_the_command_line_says_on_top(call, table, tmp_path):
    columns = ("--text-column", "body", "--label-column", "stars")
    first, second = tmp_path / "first", tmp_path / "second"
    words = ("fit", "gru", "sentiment", "--data", table, *columns, *SMALL, "--seed", 4)
    assert call(*words, "--quantization", "float16", "--out", first)[0] == 0
    status, printed, _ = call(
        "fit", "--recipe", first, "--seeds", "5,6", "--quiet", "--json", "--out", second
    )
    assert status == 0
    report = json.loads(printed)
    assert [run["seed"] for run in report["runs"]] == [5, 6]
    assert report["training"]["epochs"] == 1
    model, _ = zoo.load(second)
    assert model.get_layer("block_0").units == 8
    assert 'quantization = "float16"' in (second / "recipe.toml").read_text()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("fit", "--out", "x"), "Give MODEL and TASK, or --recipe, or --from"),
        (("fit", "gru", "--out", "x"), "Give MODEL and TASK, or --recipe, or --from"),
        (("fit", "gru", "sentiment", "--recipe", "x", "--out", "x"), "leave out MODEL and TASK"),
        (("fit", "--recipe", "nowhere", "--out", "x"), "There is no recipe at nowhere"),
        (("fit", "--from", "nowhere", "--out", "x"), "There is no recipe at nowhere"),
        (("ship", "nowhere", "x"), "There is no recipe at nowhere"),
    ],
)
def test_a_fit_that_is_not_told_enough_is_refused(words, fault, call):
    status, _, error = call(*words)
    assert status == 2
    assert fault in error
    assert len(error.strip().splitlines()) == 1


def test_the_leaderboard_is_made_again_and_held_against_what_is_written(
    call, tmp_path, monkeypatch
):
    from zoo.utils import pretrained

    monkeypatch.setattr(pretrained, "folder", lambda: tmp_path / "saved_models")
    recipe = bag_recipe()
    recipe.fit_from_scratch(tmp_path / "runs" / "bag", command="a test", verbose=False)
    assert call("ship", tmp_path / "runs" / "bag", "bag")[0] == 0
    assert "`bag`" in call("leaderboard", "--markdown")[1]
    (line,) = [line for line in call("list")[1].splitlines() if line.startswith(" bag ")]
    assert line.split()[:3] == ["bag", "synthetic_reviews", "accuracy"]
    status, printed, _ = call("leaderboard", "--again", tmp_path / "again")
    assert status == 0
    assert "test accuracy" in printed
    assert printed.count("+0.00%") == 6
    # Nothing is fitted twice.
    time = (tmp_path / "again" / "bag" / "report.json").stat().st_mtime_ns
    assert call("leaderboard", "--again", tmp_path / "again")[1] == printed
    assert (tmp_path / "again" / "bag" / "report.json").stat().st_mtime_ns == time
    # A run of another recipe is not taken for one of this.
    dataclasses.replace(recipe, training={"epochs": 2}).save(
        tmp_path / "again" / "bag" / "recipe.toml"
    )
    status, _, error = call("leaderboard", "--again", tmp_path / "again")
    assert status == 2
    assert "holds a run of another recipe" in error
