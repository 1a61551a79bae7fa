"""Messages of the library in the words of the command line: an argument becomes its option."""

import re
from collections.abc import Mapping

# What follows an argument's name at the beginning of a message.
_SUBJECT = re.compile(r"(\w+)(?= (?:must|requires|cannot)\b)")
_ASSIGNED = re.compile(r"(?<![\w'\"./-])(\w+)=(True|False|None|'[^']*'|\"[^\"]*\"|[\d.]*\d)")
_ENTRY = re.compile(r"(?<![\w'\"./-])(?:training|task|model)\.(\w+)(?=: )")
_WORD = re.compile(r"(?<![\w'\"./-])\w+_\w+(?![\w'\"/-]|\.\w)")


def with_flags(message: str, flags: Mapping[str, str]) -> str:
    """A message that names options of the command line in place of arguments.

    Args:
        message: a sentence that names arguments: as its subject, as `name=value`, as an entry of
            `training`, or, if the name
            has an underscore, anywhere outside of quotes.
        flags: the option of each argument; others stay as they are.

    >>> from zoo.utils.flags import with_flags
    >>> with_flags("epochs must be at least 1; it is 0.", {"epochs": "--epochs"})
    '--epochs must be at least 1; it is 0.'
    >>> with_flags("Use another folder, or overwrite=True.", {"overwrite": "--overwrite"})
    'Use another folder, or --overwrite.'
    """

    def assigned(match: re.Match) -> str:
        flag, value = flags.get(match[1]), match[2]
        if flag is None:
            return match[0]
        if value in ("True", "None"):
            return flag
        return f"--no-{flag[2:]}" if value == "False" else f"{flag} {value}"

    def named(match: re.Match) -> str:
        return flags.get(match[0], match[0])

    if message.startswith("Unknown argument"):  # Of a recipe, whose entries are arguments.
        return message
    message = _ENTRY.sub(lambda match: flags.get(match[1], match[0]), message)
    message = _ASSIGNED.sub(assigned, message)
    if (subject := _SUBJECT.match(message)) is not None:
        message = named(subject) + message[subject.end() :]
    return _WORD.sub(named, message)
