"""The words of a task in the cards of its models."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Description:
    """What a card says of every model of a task.

    In all strings `{name}` is replaced by the model's name, `{data}` by a description of its texts
    and `{labels}` by its classes.

    Attributes:
        purpose: one sentence on what a model does.
        use: code blocks as (language, code).
        misuse: sentences on what a model is not for.
    """

    purpose: str
    use: tuple[tuple[str, str], ...]
    misuse: tuple[str, ...]
