"""Completion of ``emqs ...`` in a shell: commands, groups and their options, settings."""

from collections.abc import Iterable

from emqs.runs import arguments, described
from emqs.settings import CONFIG_DIR

SHELLS = ("bash", "zsh", "fish")
_BASH = """_emqs() {
    local line=${COMP_LINE:0:COMP_POINT} IFS=$'\\n'
    local word=${line##* }
    COMPREPLY=($(emqs --complete "$line" 2> /dev/null))
    if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then
        COMPREPLY=("${COMPREPLY[@]#${word%%=*}=}")
    fi
}
complete -o nospace -o default -F _emqs emqs
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + _BASH
_FISH = 'complete -c emqs -a "(emqs --complete (commandline -cp))"\n'


def script(shell: str) -> str:
    """Return what a shell evaluates to complete ``emqs``, one of ``SHELLS``."""
    return {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[shell]


def completions(line: str, verbs: Iterable[str]) -> list[str]:
    """Return the words that the last one of a line may become, e.g. ``model=vae``.

    Args:
        line: As typed so far, e.g. ``"emqs search mod"``.
        verbs: The commands there are.
    """
    words = line.split(" ")
    word, before = words[-1], [part for part in words[1:-1] if part]
    if not before:
        return [f"{verb} " for verb in verbs if verb.startswith(word)]
    name = before[0]
    if not (CONFIG_DIR / f"{name}.yaml").is_file():
        return []
    group, sign, _ = word.partition("=")
    if sign:
        known = described.options(name, group) if group in described.groups(name) else {}
        values = [f"{group}={option} " for option in known]
    else:
        values = [f"{full}=" for full in arguments.settings(name)]
    return [value for value in values if value.startswith(word)]
