"""The command line: a thin shell over the public names of the zoo.

Nothing heavy is imported before a command needs it, so that help comes at once.
"""

import dataclasses
import json
import pathlib
import shlex
import signal
import sys
from collections.abc import Callable
from typing import Any

import click

import zoo


class _ManyValues(click.Command):
    """A command whose `--seeds` takes several values: `--seeds 1 2 3`."""

    def parse_args(self, ctx, args):
        """Writes `--seeds 1 2 3` as click knows it: `--seeds 1 --seeds 2 --seeds 3`."""
        expanded, in_seeds = [], False
        for argument in args:
            if in_seeds and argument.lstrip("-").isdecimal():
                expanded += ["--seeds", argument]
                continue
            in_seeds = argument == "--seeds"
            if not in_seeds:
                expanded.append(argument)
        if args and args[-1] == "--seeds":
            raise click.UsageError("--seeds needs one number at least.", ctx)
        return super().parse_args(ctx, expanded)


def _options(*options: Callable) -> Callable:
    def decorate(command):
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_data_options = _options(
    click.option("--data", help="A dataset's name, or a CSV, TSV, JSONL, TXT file or a folder."),
    *(
        click.option(
            f"--{name}-column", help=f"Where your file holds the {name}.  [default: {name}]"
        )
        for name in ("text", "label", "target")
    ),
    click.option("--validation-data", type=click.Path(), help="A file for validation."),
    click.option("--test-data", type=click.Path(), help="A file for testing."),
)

_text_options = _options(
    click.option("--level", type=click.Choice(["word", "character"]), help="What a token is."),
    click.option("--vocabulary-size", type=int, help="The most ids."),
    click.option("--sequence-length", type=int, help="The most tokens read of a text, or window."),
    click.option(
        "--context-length", type=int, help="The most tokens a language model is scored on."
    ),
    click.option(
        "--truncation",
        type=click.Choice(["start", "end", "both"]),
        help="What is kept of a longer text.",
    ),
    click.option(
        "--punctuation",
        type=click.Choice(["keep", "expressive", "drop"]),
        help="Which marks are tokens.",
    ),
    click.option("--lowercase/--keep-case", default=None, help="Whether case is folded."),
    click.option(
        "--sampled-tokens", type=int, help="Tokens that stand for a large vocabulary in training."
    ),
    click.option("--adversarial", type=float, help="How far embeddings are moved against a model."),
    click.option(
        "--temperature-scaling/--no-temperature-scaling",
        default=None,
        help="Whether validation says how sure a classifier is.",
    ),
)

_model_options = _options(
    click.option("--embedding-dim", type=int, help="Width of the token embeddings."),
    click.option("--units", type=int, help="Width of a recurrent state."),
    click.option("--num-layers", "--layers", "num_layers", type=int, help="Layers."),
    click.option("--bidirectional/--forward", default=None, help="Whether layers read both ways."),
    click.option(
        "--pooling",
        type=click.Choice(["last", "average", "max", "average+max"]),
        help="How a text's states become one vector.",
    ),
    click.option("--num-heads", type=int, help="Attention heads."),
    click.option("--num-key-heads", type=int, help="Heads of keys and values."),
    click.option(
        "--positions",
        type=click.Choice(["distance", "learned", "rotary", "sine"]),
        help="How attention knows the order of tokens.",
    ),
    click.option("--hidden-units", type=int, help="Width of the feed-forward networks."),
    click.option("--embedding-dropout", type=float, help="Share of embedding dimensions dropped."),
    click.option("--dropout", type=float, help="Share of features dropped."),
    click.option("--feature-dropout", type=float, help="Share dropped of what the head reads."),
    click.option(
        "--tie-embeddings/--untie-embeddings",
        default=None,
        help="Whether embeddings are the weights of the logits.",
    ),
    click.option("--num-buckets", type=int, help="Numbers that bigrams share by a hash."),
    click.option("--l1", type=float, help="L1 penalty on kernels."),
    click.option("--l2", type=float, help="L2 penalty on kernels."),
)

_training_options = _options(
    click.option("--epochs", type=int, help="Passes over the training texts."),
    click.option("--batch-size", type=int, help="Texts a step."),
    click.option("--optimizer", type=click.Choice(["adam", "adamw", "muon", "sgd"])),
    click.option("--learning-rate", type=float, help="The highest rate."),
    click.option("--schedule", type=click.Choice(["linear", "cosine", "constant"])),
    click.option("--warmup", type=float, help="Share of steps in which the rate rises."),
    click.option("--clip-norm", type=float, help="Bound on the gradient's norm."),
    click.option("--weight-decay", type=float, help="Share of the rate by which weights shrink."),
    click.option("--class-weights", type=click.Choice(["balanced"])),
    click.option("--early-stopping", type=int, help="Epochs without a better score to stop after."),
    click.option("--test/--no-test", default=None, help="Whether the test split is looked at."),
    click.option("--seed", type=int, help="Seed of everything random.  [default: 0]"),
    click.option("--seeds", type=int, multiple=True, help="Several seeds: --seeds 1 2 3."),
    click.option(
        "--dashboards",
        type=click.Choice(["none", "default", "all"]),
        help="What TensorBoard gets.  [default: default]",
    ),
)

_quantization_option = click.option(
    "--quantization",
    type=click.Choice(["float32", "float16", "int8"]),
    help="How the SavedModel keeps weights.  [default: float32]",
)

_MODEL_HELP = "The folder of a run, a SavedModel, or a shipped model's name."
_model_argument = click.option("--model", required=True, help=_MODEL_HELP)
_model_or_best = click.option("--model", help=f"{_MODEL_HELP}  [default: the best that ships]")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(zoo.__version__, prog_name="zoo")
def cli():
    """Language models in Keras: fit, compare, export and use them."""


@cli.command(name="list")
def list_():
    """Shows what there is: architectures, tasks, datasets, and trained models with a score."""
    for kind, names in (
        ("models", zoo.list_models()),
        ("tasks", zoo.tasks.list_tasks()),
        ("datasets", zoo.datasets.list_datasets()),
    ):
        click.echo(f"{kind + ':':10}{', '.join(names)}")
    for row in zoo.leaderboard().rows:
        click.echo(f"{'shipped:':10}{row.summary}")


@cli.command()
@click.option("--markdown", is_flag=True, help="Print it as Markdown, as the README has it.")
@click.option(
    "--again", type=click.Path(), help="Fit every row anew into this folder, and compare."
)
def leaderboard(markdown, again):
    """Compares the models that ship, by their reports.

    With --again each is trained from nothing by its recipe, and what is written is held against
    that. A run that has ended is not made again: the same command goes on where it was stopped.
    """
    board = zoo.leaderboard()
    if again is not None:
        from zoo.catalog.leaderboard import compare
        from zoo.catalog.recipe import Recipe

        for row in board.rows:
            out = pathlib.Path(again) / row.name
            command = f"zoo fit --recipe {row.name} --out {out}"
            report = Recipe.find(row.name).fitted(out, command=command)
            click.echo(row.name)
            for comparison in compare(report, row.report):
                click.echo(f"  {comparison}")
        return
    if markdown:
        click.echo(board.markdown(), nl=False)
        return
    from rich.console import Console

    Console().print(board)


@cli.command(cls=_ManyValues)
@click.argument("model", required=False)
@click.argument("task", required=False)
@click.option("--recipe", help="A shipped model's name, a run or a TOML file: all that it says.")
@click.option("--from", "initial_weights", help="A shipped model or a run to go on from.")
@_data_options
@_text_options
@_model_options
@_training_options
@_quantization_option
@click.option("--out", type=click.Path(), required=True, help="The folder of the run.")
@click.option("--dry-run", is_flag=True, help="Do all but fitting, and say what that would take.")
@click.option("--overwrite", is_flag=True, help="Remove a run that is in OUT, and begin anew.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def fit(model, task, recipe, initial_weights, out, dry_run, overwrite, as_json, quiet, **options):
    """Fits MODEL to TASK and writes the run.

    OUT gets report.json, model.keras, recipe.toml, saved_model/1 and logs for TensorBoard. Stopped
    or killed, the same command goes on where it was, and comes to the same result. With --dry-run
    nothing is written: data is checked, and time, disk and memory are estimated.

    \b
    zoo fit lstm sentiment --data imdb_reviews --seed 1 --out runs/lstm
    zoo fit gru sentiment --data mine.csv --text-column body --label-column stars --out runs/mine
    zoo fit gru text_generation --data tiny_shakespeare --level character --out runs/gru
    zoo fit --from gru_imdb --data mine.csv --out runs/mine
    zoo fit --recipe gru_imdb --out runs/gru --dry-run
    zoo fit --recipe gru_imdb --out runs/gru
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    if given.get("seed") is not None and given.get("seeds"):
        raise click.UsageError("Give --seed or --seeds, not both.")
    made = _recipe(model, task, recipe, initial_weights, given)
    made.check()
    from_nothing = recipe is not None and initial_weights is None
    if dry_run:
        tried = made.dry_run(out, from_nothing=from_nothing, overwrite=overwrite)
        click.echo(json.dumps(tried.to_dict()) if as_json else tried)
        tried.check()
        return
    if from_nothing:
        report = made.fit_from_nothing(
            out, overwrite=overwrite, command=_command(), verbose=not quiet
        )
    else:
        report = made.fit(out, overwrite=overwrite, command=_command(), verbose=not quiet)
    _print_report(report, as_json)


def _recipe(model, task, recipe, initial_weights, given: dict[str, Any]):
    """What the command line says, on top of what the recipe says that it names."""
    from zoo.catalog.recipe import Recipe

    groups = {
        "data_options": _taken(given, _data_options),
        "task_options": _taken(given, _text_options),
        "model_options": _taken(given, _model_options),
    }
    data = groups["data_options"].pop("data", None)
    quantization = given.pop("quantization", None)
    groups["training"] = given
    if recipe is not None:
        if model or task:
            raise click.UsageError("A recipe says model and task: leave them out.")
        base = Recipe.find(recipe)
    elif initial_weights is not None:
        source = Recipe.find(initial_weights)
        base = Recipe(model=model or source.model, task=task or source.task)
    elif model and task:
        base = Recipe(model=model, task=task)
    else:
        raise click.UsageError("Give MODEL and TASK, or --recipe, or --from.")
    _check_columns(zoo.tasks.task_class(base.task), groups["data_options"])
    merged = {name: {**getattr(base, name), **values} for name, values in groups.items()}
    if "seed" in given or "seeds" in given:
        # The one that was asked for takes the place of the recipe's, whichever that has.
        other = "seeds" if "seed" in given else "seed"
        merged["training"].pop(other, None)
    changes: dict[str, Any] = {**merged, "data": data or base.data}
    made = dataclasses.replace(base, quantization=quantization or base.quantization, **changes)
    return made.beginning_from(initial_weights) if initial_weights is not None else made


def _check_columns(task_class, arguments: dict[str, Any]) -> None:
    for argument in arguments:
        column = argument.removesuffix("_column")
        if column != argument and column not in task_class.columns:
            raise click.UsageError(
                f"{task_class.name} reads no {column}: leave out --{column}-column."
            )


def _taken(given: dict[str, Any], options: Callable) -> dict[str, Any]:
    """Moves the values of a group of options out of `given`."""
    names = [p.name for p in options(click.command()(lambda: None)).params]
    return {name: given.pop(name) for name in names if name in given}


@cli.command()
@_model_argument
@_data_options
@click.option(
    "--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def evaluate(model, data, split, as_json, **options):
    """Scores a SavedModel on raw texts.

    They are those that its run was made on, or --data.
    """
    arguments = {name: value for name, value in options.items() if value is not None}
    if arguments and data is None:
        raise click.UsageError("Columns and files of data need --data.")
    dataset = None
    if data is not None:
        from zoo.catalog.recipe import load_dataset

        _, task = zoo.load(model)
        _check_columns(type(task), arguments)
        dataset = load_dataset(data, type(task), arguments)
    evaluation = zoo.evaluate(model, dataset, split)
    if as_json:
        click.echo(json.dumps({"scores": evaluation.scores, **evaluation.details}))
        return
    for name, value in evaluation.scores.items():
        click.echo(f"{name:18} {'-' if value is None else format(value, '.4f')}")


@cli.command()
@click.argument("texts", nargs=-1)
@_model_or_best
@click.option("--input", "source", type=click.Path(), help="A CSV or TSV file of texts.")
@click.option("--output", type=click.Path(), help="Where it goes, with label and score.")
@click.option("--text-column", default="text", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a text.")
def predict(texts, model, source, output, text_column, as_json):
    """Labels texts, lines or the rows of a file.

    Without TEXTS or --input it reads one text a line from standard input.

    \b
    zoo predict "a text" "another"
    zoo predict --model runs/lstm --input reviews.csv --output scored.csv
    """
    if bool(output) != bool(source):
        raise click.UsageError("--input and --output go together.")
    if source and texts:
        raise click.UsageError("Give texts or --input, not both.")
    if source:
        zoo.pipeline("sentiment-analysis", model).label_file(source, output, text_column)
        return
    texts = _arguments_or_lines(texts, "a text")
    classify = zoo.pipeline("sentiment-analysis", model)
    for text, answer in zip(texts, classify(texts), strict=True):
        if as_json:
            click.echo(json.dumps({"text": _shown(text), **answer}, ensure_ascii=False))
        else:
            click.echo(f"{answer['label']}\t{answer['score']:.3f}\t{_shown(text)}")


@cli.command()
@click.argument("prompts", nargs=-1)
@_model_or_best
@click.option("--max-new-tokens", type=int, help="Tokens written at most.  [default: 100]")
@click.option("--temperature", type=float, help="0 is the likeliest token.  [default: 1.0]")
@click.option("--top-k", type=int, help="Draw from so many likeliest tokens.  [default: 0, all]")
@click.option("--top-p", type=float, help="Draw from the likeliest share.  [default: 1.0, all]")
@click.option("--repetition-penalty", type=float, help="Above 1: repeat less.  [default: 1.0]")
@click.option("--no-repeat-ngram-size", type=int, help="Repeat no sequence so long.")
@click.option("--num-beams", type=int, help="Search for the likeliest text, so wide.")
@click.option("--seed", type=int, help="The same seed, the same text.  [default: 0]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a prompt.")
def generate(prompts, model, as_json, **options):
    """Writes on where PROMPTS end.

    Without PROMPTS it reads one a line from standard input. One prompt's text appears as it is
    written.

    \b
    zoo generate "This film" --temperature 0.8 --top-k 40
    zoo generate --model runs/gru "ROMEO:" --max-new-tokens 300
    """
    options = {name: value for name, value in options.items() if value is not None}
    write = zoo.pipeline("text-generation", model)
    given = _arguments_or_lines(prompts, "a prompt")
    if len(given) == 1 and not as_json and options.get("num_beams", 1) == 1:
        pieces = write.stream(given[0], **options)
        click.echo(_shown(given[0]), nl=False)
        for piece in pieces:
            click.echo(piece, nl=False)
            sys.stdout.flush()
        click.echo()
        return
    for prompt, answer in zip(given, write(given, **options), strict=True):
        if as_json:
            click.echo(json.dumps({"prompt": _shown(prompt), **answer}, ensure_ascii=False))
        else:
            click.echo(answer["text"])


@cli.command()
@click.argument("texts", nargs=-1)
@_model_or_best
@click.option(
    "--method",
    type=click.Choice(["integrated_gradients", "occlusion"]),
    help="How it is found out.  [default: integrated_gradients, where a model has embeddings]",
)
@click.option("--label", help="What the words speak for.  [default: the likeliest]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a text.")
def explain(texts, model, method, label, as_json):
    """Shows which words of TEXTS pushed a classifier to its label.

    Without TEXTS it reads one a line from standard input.

    \b
    zoo explain "I want my two hours back."
    zoo explain --model lstm_imdb --method occlusion "I want my two hours back."
    """
    given = [_shown(text) for text in _arguments_or_lines(texts, "a text")]
    attributions = zoo.explain(given, model, label=label, method=method)
    if as_json:
        for attribution in attributions:
            click.echo(json.dumps(attribution.to_dict(), ensure_ascii=False))
        return
    from rich.console import Console

    for attribution in attributions:
        Console(highlight=False).print(attribution)


def _arguments_or_lines(arguments: tuple[str, ...], what: str) -> list[bytes]:
    """What was given on the command line, or else the lines of standard input."""
    if arguments:
        # Bytes that are not UTF-8 come from a shell as halves of surrogate pairs.
        return [argument.encode("utf-8", "surrogateescape") for argument in arguments]
    if sys.stdin.isatty():
        raise click.UsageError(f"Give {what}, or some on standard input, one a line.")
    return [line.rstrip(b"\r\n") for line in sys.stdin.buffer]


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "replace")


@cli.command()
@click.argument("run", type=click.Path())
@click.option("--out", type=click.Path(), help="The folder to write.  [default: RUN/saved_model/1]")
@click.option(
    "--jit/--no-jit", default=True, help="Whether XLA compiles generation.  [default: jit]"
)
@click.option(
    "--state-dtype",
    type=click.Choice(["bfloat16", "float32"]),
    help="What generation remembers in.",
)
@_quantization_option
def export(run, out, jit, state_dtype, quantization):
    """Writes a SavedModel of RUN, which takes raw text."""
    model, task = zoo.load(run)
    path = zoo.export_saved_model(
        model,
        task,
        out or pathlib.Path(run) / "saved_model" / "1",
        jit_compile=jit,
        state_dtype=state_dtype,
        quantization=quantization or "float32",
    )
    click.echo(path)


@cli.command()
@click.argument("run", type=click.Path())
@click.argument("name")
@click.option("--folder", type=click.Path(), help="Where models ship.  [default: saved_models]")
@click.option("--test/--no-test", default=None, help="Score test.  [default: if the run did]")
def ship(run, name, folder, test):
    """Makes a model that ships of RUN.

    NAME gets the SavedModel, scored as it is stored, its report, recipe, card and checksums.
    """
    from zoo.catalog.package import ship as ship_run

    click.echo(ship_run(run, name, folder=folder, test=test))


@cli.command()
@click.argument("folder", type=click.Path())
@click.option("--port", type=int, help="0 for any that is free.  [default: 6006]")
def tensorboard(folder, port):
    """Shows the run in FOLDER, or the runs in it, in a browser on this machine."""
    try:
        zoo.inspection.TensorBoard.serve(folder, port)
    except KeyboardInterrupt:
        click.echo()


@cli.command()
@click.option("--out", type=click.Path(), default="runs/demo", show_default=True)
def demo(out):
    """Goes the whole way on made-up reviews.

    Trains, reports, exports, and uses the export where there is no zoo, within a minute.
    """
    from zoo.catalog.demo import run

    run(pathlib.Path(out))


def _print_report(report, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.to_dict()))
        return
    from rich.console import Console

    Console().print(report)


def _command() -> str:
    return shlex.join(["zoo", *sys.argv[1:]])


def main() -> None:
    """Runs the command line; a fault is one sentence on standard error and status 2."""
    try:
        cli.main(prog_name="zoo", standalone_mode=False)
    except click.exceptions.Abort as stopped:
        # A fit says where it stopped; what was not killed tells the signal by its status.
        cause = stopped.__cause__
        told = f"{cause} To go on: {_command()}" if str(cause or "") else "Stopped."
        click.echo(told, err=True)
        sys.exit(128 + getattr(cause, "signal", signal.SIGINT))
    except click.exceptions.Exit as leaving:
        sys.exit(leaving.exit_code)
    except click.ClickException as error:
        click.echo(f"Error: {error.format_message()}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output has left, as `head` does.
        sys.exit(0)
    except (ValueError, OSError, RuntimeError) as error:
        click.echo(f"Error: {' '.join(str(error).split())[:500]}", err=True)
        sys.exit(2)
