"""The command line: a thin shell over the public names of the zoo.

It imports TensorFlow and Keras only in the commands that need them, so that help is fast.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import click

import zoo
from zoo.utils.files import user_path
from zoo.utils.terminal import json_line, one_line, printable, terminal_width


class _Value(click.ParamType):
    """A list or a mapping, as `Option.parse` reads it."""

    def __init__(self, option):
        self.option = option
        self.name = f"{option.kind.__name__},..." if option.is_sequence else "text"

    def convert(self, value, param, ctx):
        try:
            return self.option.parse(value)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)


def _as_click(option, name: str, flag: str | None = None) -> click.Option:
    """An option of a signature as an option of click, whose value is None if it is not given.

    Args:
        option: an `Option`.
        name: the argument of the command that gets the value.
        flag: the name on the command line; None for that of the option.
    """
    flag = flag or option.flag
    default = option.default
    if isinstance(default, (list, tuple)):
        default = ",".join(map(str, default))
    if option.kind is bool and default is not None:
        default = "on" if default else "off"
    # On a command line None is an option that is left out.
    if default is None:
        text = re.sub(r"; None (?:for|takes) (.+)\.$", r".  [default: \1]", option.help)
    else:
        text = re.sub(r"; None [^;]+\.$", ".", option.help)
    text += "" if default in (None, "") else f"  [default: {default}]"
    if option.kind is bool:
        return click.Option([f"{flag}/--no-{flag[2:]}", name], default=None, help=text)
    kind: Any = option.kind
    if option.kind is str and option.is_sequence and option.is_scalar:
        # Strings may contain commas: the option is given once for each.
        text += "  [may be repeated]"
        return click.Option([flag, name], type=str, multiple=True, default=None, help=text)
    if option.is_sequence or option.is_mapping:
        kind = _Value(option)
    elif option.choices:
        kind = click.Choice(option.choices, case_sensitive=False)
    return click.Option([flag, name], type=kind, default=None, help=text)


# The order of the help text.
_HEADINGS_IN_ORDER = ("Model", "Task", "Data", "Training", "Output", "Options")


class _Command(click.Command):
    """A command that reads further options off signatures when it is called.

    Args:
        further: a function (command, context, command line) -> options by heading.
        headings: headings of the declared options, by name; by default `Options`.
    """

    def __init__(self, *arguments, further: Callable, headings=None, **options):
        super().__init__(*arguments, **options)
        self._further = further
        self._headings = headings or {}

    def parse_args(self, ctx, args):
        """Parses the command line with the further options that apply to it."""
        ctx.meta["zoo.further"] = self._further(self, ctx, list(args))
        return super().parse_args(ctx, args)

    def invoke(self, ctx):
        """Runs the command; an error names its options where the library names arguments."""
        try:
            return super().invoke(ctx)
        except (ValueError, TypeError, OSError, RuntimeError) as error:
            if len(error.args) == 1 and isinstance(error.args[0], str):
                from zoo.utils.flags import with_flags

                options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
                flags = {str(o.name).rpartition("__")[2]: o.opts[0] for o in options}
                error.args = (with_flags(error.args[0], {"log_dir": "--out", **flags}),)
            raise

    def get_params(self, ctx):
        """The declared options and the further ones."""
        own = super().get_params(ctx)
        further = ctx.meta.get("zoo.further", {})
        return [*own[:-1], *(option for group in further.values() for option in group), own[-1]]

    def format_options(self, ctx, formatter):
        """Adds the options to the help text, by heading."""
        further = ctx.meta.get("zoo.further", {})
        headings = {id(option): heading for heading, group in further.items() for option in group}
        groups: dict[str, list] = {heading: [] for heading in _HEADINGS_IN_ORDER}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option):
                own = self._headings.get(parameter.name, "Options")
                groups[headings.get(id(parameter), own)].append(parameter)
        for heading, options in groups.items():
            records = [record for o in options if (record := o.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)


class _Given(NamedTuple):
    """A command line, read before its options are known.

    Attributes:
        arguments: the positional arguments.
        values: the values of options, by flag.
        wants_help: whether help is requested.
    """

    arguments: list[str]
    values: dict[str, str]
    wants_help: bool

    @classmethod
    def read(cls, args: list[str], parameters: Iterable[click.Parameter]) -> "_Given":
        """Reads a command line.

        Args:
            args: the command line.
            parameters: all options that may occur, of any model, task and dataset.

        Raises:
            UsageError: for an unknown option.
        """
        flags = dict.fromkeys(("-h", "--help"), False)
        for option in parameters:
            if isinstance(option, click.Option):
                flags |= dict.fromkeys(_flags(option), not option.is_flag)
        given = cls([], {}, not {"-h", "--help"}.isdisjoint(args))
        rest = iter(args)
        for argument in rest:
            flag, equals, value = argument.partition("=")
            if argument == "--":
                given.arguments.extend(rest)
            elif not argument.startswith("-") or argument == "-":
                given.arguments.append(argument)
            elif flag not in flags:
                import difflib

                close = difflib.get_close_matches(flag, flags, n=1)
                hint = f" Did you mean {close[0]}?" if close else ""
                raise click.UsageError(f"No such option {flag}.{hint}")
            else:
                takes_value = flags[flag] and not equals
                given.values[flag] = next(rest, "") if takes_value else value
        return given


# The groups of a recipe and the headings of their options in the help text.
_HEADINGS = {
    "model_options": "Model",
    "task_options": "Task",
    "data_options": "Data",
    "training": "Training",
}


def _of_recipe(group: str, option, is_shared: bool) -> click.Option:
    """An option of a recipe as an option of click."""
    flag = f"--data-{option.flag[2:]}" if group == "data_options" and is_shared else option.flag
    return _as_click(option, f"{group}.{option.name}".replace(".", "__"), flag)


def _options_of_fit(command: click.Command, ctx: click.Context, args: list[str]):
    """The options of a fit: those of its model, task, data and training."""
    if not {"-h", "--help"}.isdisjoint(args) and not [a for a in args if a not in ("-h", "--help")]:
        return {}
    from zoo.catalog import options

    shared = options.training_options()
    every = [
        (group, owner, _of_recipe(group, option, option.name in shared))
        for group, owner, option in options.every_option()
    ]
    output = {"Output": [_as_click(_quantization(), "quantization")]}
    parameters = [option for _, _, option in every]
    given = _Given.read(args, [*command.params, *parameters, *output["Output"]])
    model, task = [*given.arguments, None, None][:2]
    base = _base(model, task, given.values.get("--recipe"), given.values.get("--from"))
    if base is None and not given.wants_help:
        raise click.UsageError("Give MODEL and TASK, or --recipe, or --from.")
    groups = {}
    if base is not None:
        data = given.values.get("--data", base.data)
        found = options.fit_options(base.model, base.task, data)
        groups = found.groups()
        _check_options(given, every, groups, found.names)
    elif given.arguments:
        groups = {"model_options": options.model_options(given.arguments[0]), "training": shared}
    further = {
        _HEADINGS[group]: [_of_recipe(group, o, o.name in shared) for o in of_group.values()]
        for group, of_group in groups.items()
    }
    return {**further, **output}


def _check_options(given: _Given, every, groups, names) -> None:
    """Raises a `UsageError` for an option of another model, task or dataset."""
    known = {f"{group}__{name}" for group, of_group in groups.items() for name in of_group}
    for flag in given.values:
        takers = [(group, owner, o) for group, owner, o in every if flag in _flags(o)]
        if not takers or any(o.name in known for _, _, o in takers):
            continue
        group = takers[0][0]
        if group == "data_options" and flag.endswith("-column") and len(names) > 1:
            column = flag.removeprefix("--").removesuffix("-column")
            raise click.UsageError(f"{names[1]} does not use a {column} column: leave out {flag}.")
        here = dict(zip(groups, names, strict=True))[group]
        others = " and ".join(dict.fromkeys(owner for of, owner, _ in takers if of == group))
        raise click.UsageError(f"{here} does not take {flag}, which is an option of {others}.")


def _flags(option: click.Option) -> list[str]:
    return [*option.opts, *option.secondary_opts]


def _quantization():
    from zoo.utils.signatures import options_of

    return options_of(zoo.export_saved_model)["quantization"]


def _base(model: str | None, task: str | None, recipe: str | None, source: str | None):
    """The recipe that a command line starts from; None without --recipe, --from, MODEL and TASK."""
    from zoo.catalog.recipe import Recipe

    if recipe is not None:
        if model or task:
            raise click.UsageError("A recipe contains model and task: leave out MODEL and TASK.")
        return Recipe.find(recipe)
    if source is not None:
        first = Recipe.find(source)
        return Recipe(model=model or first.model, task=task or first.task)
    return Recipe(model=model, task=task) if model and task else None


_INPUT_HELP = "File with texts, of any format that fit reads; - for standard input."
_MODEL_HELP = "Run folder, SavedModel, or name of a pretrained model."
_model_argument = click.option("--model", required=True, help=_MODEL_HELP)
_model_or_best = click.option(
    "--model", help=f"{_MODEL_HELP}  [default: the best pretrained model]"
)


# The commands that compute on the backend of Keras that the user has chosen.
_TRAINING = ("fit", "demo")


class _Zoo(click.Group):
    """The commands, which end without an error if the reader of the output closes the pipe."""

    def make_context(self, *arguments, **options):
        """Parses the command line; the help text is printed here."""
        with _ends_with_its_reader():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx):
        """Runs a command."""
        with _ends_with_its_reader():
            return super().invoke(ctx)


@contextlib.contextmanager
def _ends_with_its_reader():
    try:
        yield
    except BrokenPipeError:  # `head` closes the pipe when it has its lines.
        raise click.exceptions.Exit(0) from None


@click.group(cls=_Zoo, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(zoo.__version__, prog_name="zoo")
@click.pass_context
def cli(ctx):
    """Language models in Keras: train, compare, export and use them."""
    from zoo.utils.backend import check_backend

    trains = ctx.invoked_subcommand in _TRAINING and {"-h", "--help"}.isdisjoint(sys.argv)
    if not trains and "keras" not in sys.modules:
        # A trained model does not depend on the backend, and SavedModels run in TensorFlow.
        os.environ["KERAS_BACKEND"] = "tensorflow"
    check_backend()


@cli.command(name="list")
def list_():
    """List architectures, tasks, datasets and pretrained models."""
    from zoo.catalog.listing import tables

    _print(tables())


@cli.command()
@click.option("--wide", is_flag=True, help="Show all columns, whatever the terminal's width.")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option("--write", is_flag=True, help="Write the tables to the README.md of saved_models.")
@click.option("--again", type=click.Path(), help="Retrain every model in this folder and compare.")
def leaderboard(wide, markdown, write, again):
    """Compare the pretrained models by their reports.

    With --again, train every model from scratch by its recipe and compare the scores with the
    reports. Finished runs are kept; run the same command again to resume.
    """
    board = zoo.leaderboard()
    if again is not None:
        _train_again(board, user_path(again))
    elif write:
        click.echo(board.write())
    elif markdown or wide:
        click.echo(board.markdown() if markdown else board.wide(), nl=False)
    else:
        _print(board)


def _train_again(board, out: pathlib.Path) -> None:
    """Trains the models of a leaderboard and prints how far their scores are from the reports."""
    from zoo.catalog.fit_recipe import report_of
    from zoo.catalog.leaderboard import compare
    from zoo.catalog.recipe import Recipe

    for row in board.rows:
        command = f"zoo fit --recipe {row.name} --out {out / row.name}"
        report = report_of(Recipe.find(row.name), out / row.name, command=command)
        click.echo(row.name)
        for comparison in compare(report, row.report):
            click.echo(f"  {comparison}")


def _print(shown: Any) -> None:
    """Prints what `rich` can render, as wide as the terminal."""
    from rich.console import Console

    Console(highlight=False, width=terminal_width()).print(shown)


@cli.command(
    cls=_Command,
    further=_options_of_fit,
    headings={"recipe": "Model", "initial_weights": "Model", "data": "Data"}
    | dict.fromkeys(("out", "dry_run", "overwrite", "as_json", "quiet", "help"), "Output"),
)
@click.argument("model", required=False)
@click.argument("task", required=False)
@click.option("--recipe", help="Pretrained model, run or TOML file to take options from.")
@click.option("--from", "initial_weights", help="Pretrained model or run to fine-tune.")
@click.option("--data", help="Dataset name, or a CSV, TSV, JSONL or TXT file, or a folder.")
@click.option("--out", type=click.Path(), required=True, help="Folder of the run.")
@click.option("--dry-run", is_flag=True, help="Check the data and estimate time, disk and memory.")
@click.option("--overwrite", is_flag=True, help="Remove an existing run in OUT first.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def fit(
    model, task, recipe, initial_weights, data, out, dry_run, overwrite, as_json, quiet, **given
):
    """Fit MODEL to TASK and write a run.

    `zoo list` shows the models, tasks and datasets. To show the options of
    each:

    \b
    zoo fit lstm sentiment --help
    zoo fit lstm sentiment --data mine.csv --help

    Writes report.json, model.keras, recipe.toml, saved_model/1 and TensorBoard logs to OUT. To
    resume an interrupted fit, run the same command again; the result is the same.

    \b
    zoo fit lstm sentiment --data imdb_reviews --seed 1 --out runs/lstm
    zoo fit gru sentiment --data mine.csv --text-column body --label-column stars --out runs/mine
    zoo fit gru text_generation --data tiny_shakespeare --level character --out runs/gru
    zoo fit lstm sentiment --seeds 1,2,3 --out runs/three
    zoo fit --from gru_imdb --data mine.csv --out runs/mine
    zoo fit --recipe gru_imdb --out runs/gru --dry-run
    zoo fit --recipe gru_imdb --out runs/gru
    """
    made = _recipe(model, task, recipe, initial_weights, data, _without_none(given))
    made.check()
    from_scratch = recipe is not None and initial_weights is None
    if dry_run:
        tried = made.dry_run(out, from_scratch=from_scratch, overwrite=overwrite)
        click.echo(json.dumps(tried.to_dict()) if as_json else tried)
        tried.check()
        return
    if from_scratch:
        report = made.fit_from_scratch(
            out, overwrite=overwrite, command=_command(), verbose=not quiet
        )
    else:
        report = made.fit(out, overwrite=overwrite, command=_command(), verbose=not quiet)
    _print_report(report, as_json)


def _recipe(model, task, recipe, initial_weights, data, given: dict[str, Any]):
    """The recipe of a command line: its options replace those of the recipe it starts from."""
    base = _base(model, task, recipe, initial_weights)
    groups: dict[str, Any] = {name: dict(getattr(base, name)) for name in _HEADINGS}
    if data is not None and data != base.data:
        groups["data_options"] = {}  # They belong to the recipe's data.
    for name, value in given.items():
        group, _, option = name.partition("__")
        if option:
            groups[group][option] = value
    training = groups["training"]
    if "training__seed" in given and "training__seeds" in given:
        raise click.UsageError("Give --seed or --seeds, not both.")
    for one, other in (("seed", "seeds"), ("seeds", "seed")):
        if f"training__{one}" in given:
            training.pop(other, None)
    quantization = given.get("quantization", base.quantization)
    data = base.data if data is None else data
    made = dataclasses.replace(base, data=data, quantization=quantization, **groups)
    return made.starting_from(initial_weights) if initial_weights is not None else made


def _without_none(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value not in (None, ())}


def _check_columns(task_class, arguments: dict[str, Any]) -> None:
    for argument in arguments:
        column = argument.removesuffix("_column")
        if column != argument and column not in task_class.columns:
            raise click.UsageError(
                f"{task_class.name} does not use a {column} column: leave out --{column}-column."
            )


def _options_of_data(command: click.Command, ctx: click.Context, args: list[str]):
    """The options of --data; without it, those of files."""
    from zoo.catalog import options

    every = [
        (group, owner, _as_click(option, f"{group}__{option.name}"))
        for group, owner, option in options.every_option()
        if group == "data_options"
    ]
    given = _Given.read(args, [*command.params, *(option for _, _, option in every)])
    data = given.values.get("--data", options.FILES)
    of_data = options.scoring_options(data)
    if "--data" in given.values:
        for option in options.data_options(data).values():
            if option.flag in given.values and option.name not in of_data:
                raise click.UsageError(f"{data} is scored whole: leave out {option.flag}.")
        _check_options(given, every, {"data_options": of_data}, [data])
    return {"Data": [_as_click(o, f"data_options__{name}") for name, o in of_data.items()]}


def _options_of(*functions: Callable[[], Callable], **flags: str) -> Callable:
    """The options of functions, read when the command is called.

    Args:
        *functions: each returns a function, which may take long to import.
        **flags: names of options on the command line, if they differ.
    """

    def further(command, ctx, args):
        from zoo.utils.signatures import options_of

        del ctx, args
        own = {parameter.name for parameter in command.params}
        return {
            "Options": [
                _as_click(option, name, flags.get(name))
                for function in functions
                for name, option in options_of(function()).items()
                if name not in own
            ]
        }

    return further


@cli.command(cls=_Command, further=_options_of_data, headings={"data": "Data"})
@_model_argument
@click.option("--data", help="Dataset name, or a CSV, TSV, JSONL or TXT file, or a folder.")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="test",
    show_default=True,
    help="Split to evaluate.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def evaluate(model, data, split, as_json, **options):
    """Evaluate a SavedModel on raw texts.

    The texts are all those of --data, or the test split of the dataset that the model was trained
    on. The columns of a file are those that the model was trained on, if no options name others.

    \b
    zoo evaluate --model runs/lstm
    zoo evaluate --model runs/lstm --data more.csv
    """
    arguments = {
        name.removeprefix("data_options__"): value for name, value in _without_none(options).items()
    }
    if arguments and data is None:
        raise click.UsageError("Options of the data require --data.")
    dataset, count = None, {}
    if data is not None:
        dataset = _data_to_score(model, data, split, arguments)
        count = {"texts": len(getattr(dataset, split))}
    evaluation = zoo.evaluate(model, dataset, split)
    if as_json:
        click.echo(json.dumps({**count, "scores": evaluation.scores, **evaluation.details}))
        return
    for name, number in count.items():
        click.echo(f"{name:18} {number:,}")
    for name, value in evaluation.scores.items():
        click.echo(f"{name:18} {'-' if value is None else format(value, '.4f')}")


def _data_to_score(model: str, data: str, split: str, arguments: dict[str, Any]):
    """The dataset of --data, after notes on it."""
    zoo.pipeline  # noqa: B018  Imports TensorFlow without its messages.
    from zoo.serving.loading import task_of_saved_model
    from zoo.serving.pipeline import dataset_to_score
    from zoo.serving.scored_file import report_of

    _, task_class, _ = task_of_saved_model(model)
    if task_class is not None:
        _check_columns(task_class, arguments)
    dataset = dataset_to_score(model, data, split, **arguments)
    _print_notes(dataset.audit.sentences())
    report = report_of(model)
    fitted_on = None if report is None else report.dataset["arguments"].get("path")
    if fitted_on == str(user_path(data).absolute()):
        _print_notes(
            ["The model was fitted on this file; without --data, held-out texts are scored."]
        )
    return dataset


@cli.command(cls=_Command, further=_options_of(lambda: zoo.TextClassifier.predict_file))
@click.argument("texts", nargs=-1)
@_model_or_best
@click.option("--input", "source", type=click.Path(), help=_INPUT_HELP)
@click.option(
    "--output",
    type=click.Path(),
    help="File to write: INPUT with predictions, as .csv, .tsv, .jsonl or .json; - for standard "
    "output.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per text.")
def predict(texts, model, source, output, as_json, **options):
    """Predict a label or a number for each text.

    Without TEXTS and --input, read texts from standard input, one per line, and answer each as it
    comes.

    \b
    zoo predict "a text" "another"
    zoo predict --model runs/lstm --input reviews.csv --output scored.csv
    zoo predict --model runs/lstm --input - --output - < reviews.jsonl
    """
    options = _without_none(options)
    if bool(output) != bool(source):
        raise click.UsageError("--input and --output must be given together.")
    _check_input(source, texts, options)
    if source:
        _print_notes(_predictor(model).predict_file(source, output, **options))
        return
    batches = _arguments_or_batches(texts, "a text")
    predictor = _predictor(model)
    for batch in batches:
        for text, answer in zip(batch, predictor(batch), strict=True):
            if as_json:
                click.echo(json_line({"text": _shown(text), **answer}))
            else:
                cells = [*predictor.cells(answer, digits=3), _shown(text)]
                click.echo("\t".join(map(one_line, cells)))


def _check_input(source, texts, options: dict[str, Any]) -> None:
    """Raises a `UsageError` for what only a file has, or a file cannot have."""
    if source and texts:
        raise click.UsageError("Give texts or --input, not both.")
    if options and not source:
        flag = f"--{next(iter(options)).replace('_', '-')}"
        raise click.UsageError(f"{flag} requires --input.")


def _print_notes(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        click.echo(f"Note: {printable(sentence)}", err=True)


def _predictor(model: str | None):
    """The pipeline of a model that predicts one thing per text; None for the best classifier."""
    predictor = zoo.pipeline(model or "sentiment-analysis")
    if not hasattr(predictor, "predict_file"):
        raise click.UsageError(
            "The model must predict a label or a number per text; "
            f"{model} is for {predictor.purpose}."
        )
    return predictor


@cli.command(cls=_Command, further=_options_of(lambda: zoo.TextGenerator.__call__))
@click.argument("prompts", nargs=-1)
@_model_or_best
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per continuation.")
def generate(prompts, model, as_json, **options):
    """Generate continuations of PROMPTS.

    Without PROMPTS, read them from standard input, one per line. The continuation of a single
    prompt is streamed.

    \b
    zoo generate "This film" --temperature 0.8 --top-k 40
    zoo generate --model runs/gru "ROMEO:" --max-new-tokens 300
    zoo generate "This film" --num-return-sequences 5 --stop . --json
    """
    options = _without_none(options)
    write = zoo.pipeline("text-generation", model)
    given = _arguments_or_lines(prompts, "a prompt")
    number = options.get("num_return_sequences", 1)
    if options.get("token_log_probabilities") and not as_json:
        raise click.UsageError("--token-log-probabilities requires --json.")
    if len(given) == 1 and not as_json and options.get("num_beams", 1) == number == 1:
        pieces = write.stream(given[0], **options)
        click.echo(printable(_shown(given[0])), nl=False)
        for piece in pieces:
            click.echo(printable(piece), nl=False)
            sys.stdout.flush()
        click.echo()
        return
    for prompt, answers in zip(given, write(given, **options), strict=True):
        for answer in answers if number > 1 else [answers]:
            if as_json:
                click.echo(json_line({"prompt": _shown(prompt), **answer}))
            else:
                click.echo(printable(answer["text"]))


def _texts_of_file():
    from zoo.serving.scored_file import texts_of_file

    return texts_of_file


@cli.command(cls=_Command, further=_options_of(lambda: zoo.explain, _texts_of_file))
@click.argument("texts", nargs=-1)
@_model_or_best
@click.option("--input", "source", type=click.Path(), help=_INPUT_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per text.")
def explain(texts, model, source, as_json, **options):
    """Attribute the predictions of a classifier to the words of TEXTS.

    Without TEXTS and --input, read texts from standard input, one per line.

    \b
    zoo explain "I want my two hours back."
    zoo explain --model lstm_imdb --method occlusion "I want my two hours back."
    zoo explain --model runs/lstm --input reviews.csv
    """
    options = _without_none(options)
    of_explain = {name: options.pop(name) for name in ("label", "method") if name in options}
    _check_input(source, texts, options)
    if model is None:
        from zoo.utils import pretrained

        model = pretrained.best("sentiment")
    if source:
        batches: Iterable = ([text] for text in _texts_of_file()(source, model, **options))
    else:
        batches = _arguments_or_batches(texts, "a text")
    loaded = zoo.load(model)
    for batch in batches:
        for attribution in zoo.explain(batch, loaded, **of_explain):
            if as_json:
                click.echo(json_line(attribution.to_dict()))
            else:
                _print(attribution)


def _arguments_or_lines(arguments: tuple[str, ...], what: str) -> list[bytes]:
    """The arguments of the command line, or all lines of standard input."""
    return [line for batch in _arguments_or_batches(arguments, what) for line in batch]


def _arguments_or_batches(arguments: tuple[str, ...], what: str) -> Iterable[list[bytes]]:
    """The arguments of the command line, or the lines of standard input that come at a time."""
    if arguments:
        # Bytes that are not UTF-8 come from a shell as halves of surrogate pairs.
        return [[argument.encode("utf-8", "surrogateescape") for argument in arguments]]
    if sys.stdin is None or sys.stdin.closed:
        raise click.UsageError(f"Give {what}: standard input is closed.")
    if sys.stdin.isatty():
        raise click.UsageError(f"Give {what}, or lines on standard input.")
    from zoo.serving.scored_file import batches_of_lines

    return batches_of_lines(sys.stdin.buffer)


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "replace")


@cli.command(cls=_Command, further=_options_of(lambda: zoo.export_saved_model, jit_compile="--jit"))
@click.argument("run", type=click.Path())
@click.option(
    "--out",
    type=click.Path(),
    help="Folder to write.  [default: RUN/saved_model/1, or RUN/onnx]",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["saved_model", "onnx"]),
    default="saved_model",
    show_default=True,
    help="A SavedModel takes raw text. ONNX takes token ids; the vocabulary is a file next to it.",
)
def export(run, out, file_format, **options):
    """Export RUN as a SavedModel that takes raw text, or to ONNX."""
    options = _without_none(options)
    if file_format == "onnx" and options:
        flag = next(iter(options)).replace("jit_compile", "jit").replace("_", "-")
        raise click.UsageError(f"--{flag} is an option of SavedModels: leave it out, or --format.")
    model, task = zoo.load(run)
    folder = user_path(run)
    if file_format == "onnx":
        written = zoo.export_onnx(model, task, out or folder / "onnx")
    else:
        place = out or folder / "saved_model" / "1"
        written = zoo.export_saved_model(model, task, place, **options)
    click.echo(one_line(str(written)))


@cli.command()
@click.argument("run", type=click.Path())
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(),
    help="Folder of pretrained models.  [default: saved_models]",
)
@click.option(
    "--test/--no-test", default=None, help="Evaluate the test split.  [default: as in the run]"
)
def ship(run, name, folder, test):
    """Package a finished RUN as the pretrained model NAME.

    Writes the SavedModel and its scores, the report, recipe, card and checksums.
    """
    from zoo.catalog.package import ship as ship_run

    click.echo(one_line(str(ship_run(run, name, folder=folder, test=test))))


@cli.command()
@click.argument("folder", type=click.Path())
@click.option("--port", type=int, help="Port; 0 for any free port.  [default: 6006]")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 for every network of this machine, without a password.",
)
def tensorboard(folder, port, host):
    """Serve TensorBoard for the run or runs in FOLDER."""
    try:
        zoo.inspection.TensorBoard.serve(folder, port, host)
    except KeyboardInterrupt:
        click.echo()


@cli.command()
@click.option(
    "--out",
    type=click.Path(),
    default="runs/demo",
    show_default=True,
    help="Folder of the runs.",
)
def demo(out):
    """Train, evaluate and export a model on synthetic reviews, in about a minute.

    Then load the exported model with TensorFlow alone.
    """
    from zoo.catalog.demo import run

    run(user_path(out))


def _print_report(report, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.to_dict()))
    else:
        _print(report)


def _command() -> str:
    return shlex.join(["zoo", *sys.argv[1:]])


def main() -> None:
    """Runs the command line.

    The exit status is 0, also if the reader of the output closes the pipe; 2 for an error, which is
    one sentence on standard error; and 128 plus the number of the signal that stopped a command,
    130 for Ctrl-C. With ZOO_DEBUG=1 the traceback of an error precedes its sentence.
    """
    _open_missing_outputs()
    try:
        cli.main(prog_name="zoo", standalone_mode=False)
        sys.stdout.flush()
        status: Any = 0
    except BaseException as error:
        status = _end(error)
    if any(thread.name == "interruptible call" for thread in threading.enumerate()):
        # An interrupted graph that is being traced or compiled: an exit would wait for it.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
    try:
        sys.stdout.flush()
    except (OSError, ValueError):  # Python would flush again when it exits, and complain.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)


def _open_missing_outputs() -> None:
    """Opens the outputs that a shell has closed (`>&-`): what is printed is discarded."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _end(error: BaseException) -> Any:
    """Prints the sentence of an exception, if it needs one; returns the exit status."""
    from zoo.utils.failures import failure_message

    if isinstance(error, SystemExit):
        return error.code
    if isinstance(error, BrokenPipeError):
        return 0
    cause: BaseException | None = error
    if isinstance(error, click.exceptions.Abort):
        cause = error.__cause__
    if cause is None or isinstance(cause, (click.exceptions.Abort, KeyboardInterrupt)):
        # A fit says where it stopped.
        message, status = "Stopped.", 128 + getattr(cause, "signal", signal.SIGINT)
        if str(cause or ""):
            message = f"{cause} To resume: {_command()}"
    else:
        if os.environ.get("ZOO_DEBUG", "0") not in ("", "0"):
            import traceback

            traceback.print_exception(cause)
        if isinstance(cause, click.ClickException):
            text = cause.format_message()
        else:
            text = failure_message(cause)
        message, status = f"Error: {text}", 2
    with contextlib.suppress(OSError):
        click.echo(printable(message), err=True)
    return status
