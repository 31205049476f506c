"""Which entry along an axis is meant: by its number, or a channel by its name."""

from collections.abc import Sequence

from emqs.errors import ConfigError

_CHANNELS = ("c", "channel")


def number_of(
    axis: str, entry: int | str, channels: Sequence[str], length: int, where: str, prefix: str = ""
) -> int:
    """Return the number of an entry along an axis that is not Z, Y or X.

    Text is the name of a channel, and a number only where no channel has it as its name. A number
    is a number; where it is the name of another channel too, it must be said which is meant, and
    where there are not so many entries, it is a name.

    Args:
        axis: Name of the axis.
        entry: What the user gave.
        channels: Names of the channels, in order; empty if they have none.
        length: How many entries there are.
        where: The source, for messages.
        prefix: What stands before names of settings in messages, e.g. ``"input."``.

    Raises:
        ConfigError: If there is no such entry, or two are meant.
    """
    names = list(channels) if axis.lower() in _CHANNELS else []
    name, setting = str(entry), f"{prefix}select={{{axis}: {entry}}}"
    by_name = names.index(name) if names.count(name) == 1 else None
    by_number = int(name) if name.isdecimal() and int(name) < length else None
    if isinstance(entry, str) and by_name is not None:
        return by_name
    if by_name is not None and by_number is not None and by_name != by_number:
        other = names[by_number] if by_number < len(names) else "without a name"
        raise ConfigError(
            f"{setting} is the name of channel {by_name} of {where}, and the number of channel "
            f"{by_number}, whose name is {other!r}. Say which is meant by its name, in quotes: "
            f"\"{prefix}select={{{axis}: '{name}'}}\" or \"{prefix}select={{{axis}: '{other}'}}\"."
        )
    if by_number is not None:
        return by_number
    if by_name is not None:
        return by_name
    if isinstance(entry, str) and not name.isdecimal():
        raise ConfigError(
            f"{setting} names no single channel of {where}; its channels are "
            f"{', '.join(names) or 'without names'}."
        )
    listed = f" Its channels are {', '.join(names)}." if names else ""
    raise ConfigError(
        f"{setting} is out of range: {where} has {length} entries along that axis, from 0 to "
        f"{length - 1}.{listed}"
    )
