"""The command line as shells complete it: a script that is made once, and asks nobody at a TAB."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from archc.cli.arguments.shared import Parser, help_of

# What may stand there: a topic is a network or an error code, a param one of a file on the line.
Kind = Literal["network", "topic", "arch", "file", "folder", "param", "word"]
Words = Mapping[tuple[str, str], tuple[str, ...]]  # by command and the argument's `dest`

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("INPUT", "LEFT", "RIGHT"), "network"),
    "INPUT|CODE": "topic",
    "NAME=VALUE": "param",
    **dict.fromkeys(("FILE", "OUT"), "file"),
    **dict.fromkeys(("DIR", "FOLDER"), "folder"),
}


@dataclass(frozen=True, slots=True)
class ShellFlag:
    """A flag of a command: its names, and what stands behind it."""

    names: tuple[str, ...]
    help: str
    takes: bool
    kind: Kind = "word"
    words: tuple[str, ...] = ()
    metavar: str = ""

    @property
    def several(self) -> bool:
        """Whether it takes several words, apart by commas."""
        return "[," in self.metavar or self.metavar in ("NAMES", "CHECKS")


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A command: its flags, and what else it takes."""

    name: str
    help: str
    flags: tuple[ShellFlag, ...]
    kind: Kind = "word"
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShellProgram:
    """All that can be typed: commands, flags before them, and the names that archc knows."""

    flags: tuple[ShellFlag, ...]
    commands: tuple[ShellCommand, ...]
    networks: tuple[str, ...]
    codes: tuple[str, ...]  # of errors


def program_of(
    parser: Parser, words: Words, networks: tuple[str, ...], codes: tuple[str, ...]
) -> ShellProgram:
    """Read a parser; `words` are values that it does not list as choices."""
    (subparsers,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    helps = {action.dest: action.help or "" for action in subparsers._choices_actions}
    commands = [_command(name, helps[name], p, words) for name, p in subparsers.choices.items()]
    flags = _command("", "", parser, words).flags
    return ShellProgram(flags, tuple(commands), networks, codes)


def _command(name: str, help: str, parser: Parser, words: Words) -> ShellCommand:
    def of(action: argparse.Action) -> tuple[str, ...]:
        return words.get((name, action.dest)) or tuple(map(str, action.choices or ()))

    actions = [a for a in parser._actions if a.help != argparse.SUPPRESS]
    flags = tuple(_flag(action, of(action)) for action in actions if action.option_strings)
    for action in actions:
        if not action.option_strings:
            kind = "arch" if name == "fmt" else _kind(action)  # which takes no bundled ones
            return ShellCommand(name, help, flags, kind, of(action))
    return ShellCommand(name, help, flags)


def _flag(action: argparse.Action, words: tuple[str, ...]) -> ShellFlag:
    return ShellFlag(
        tuple(action.option_strings),
        help_of(action),
        action.nargs != 0,
        _kind(action),
        words,
        str(action.metavar or action.dest),
    )


def _kind(action: argparse.Action) -> Kind:
    return _KINDS.get(str(action.metavar), "word")


# For sed: `width=` of a line `param width = 16`.
_PARAM = r"'s/^param[[:space:]]*\([A-Za-z_][A-Za-z_0-9]*\).*/\1=/p'"

# --- bash --------------------------------------------------------------------------------

_BASH = """\
# bash completion of archc: eval "$(archc completion bash)"
_archc_networks="{networks}"
_archc_codes="{codes}"
_archc_param={param}

_archc_words() {{
  local line
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -W "$1" -- "$cur")
}}

_archc_list() {{ # of words with commas between them
  local line before=
  COMPREPLY=()
  [[ $cur == *,* ]] && before=${{cur%,*}},
  while IFS= read -r line; do COMPREPLY+=("$before$line"); done < <(
    compgen -W "$1" -- "${{cur##*,}}"
  )
}}

_archc_params() {{ # of the files on the line
  local word found=
  for word in "${{COMP_WORDS[@]:1}}"; do
    case $word in # as typed: "my net.arch", my\\ net.arch, ~/net.arch
      [\\"\\']*) word=${{word#[\\"\\']}} word=${{word%[\\"\\']}} ;;
      *) word=${{word//\\\\/}} word=${{word/#\\~\\//$HOME/}} ;;
    esac
    [[ $word == *.arch && -f $word ]] && found+=" $(sed -n "$_archc_param" "$word")"
  done
  compopt -o nospace 2>/dev/null # what bash 3.2 does not have
  _archc_words "$found"
}}

_archc_files() {{
  local line
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(
    case $1 in
      network) compgen -W "$_archc_networks" -- "$cur" ;;
      topic) compgen -W "$_archc_codes $_archc_networks" -- "$cur" ;;
      file) compgen -f -- "$cur" ;;
    esac
    case $1 in network | topic | arch) compgen -f -X '!*.arch' -- "$cur" ;; esac
    case $1 in network | topic | arch | folder) compgen -d -- "$cur" ;; esac
  )
}}

_archc() {{
  COMPREPLY=()
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command= word
  if [[ $cur == "=" ]]; then
    cur=
  elif [[ $prev == "=" ]]; then
    prev=${{COMP_WORDS[COMP_CWORD-2]}}
    [[ $prev == -* ]] || return # the value of a param
  fi
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $word in
      {names})
        command=$word
        break
        ;;
    esac
  done
  case $command:$prev in
{values}
  esac
  case $command:$cur in
    :*) _archc_words "{common}" ;;
{flags}
{operands}
  esac
}}

complete -o filenames -F _archc archc
"""


def bash(program: ShellProgram) -> str:
    """Return the script for bash 3.2 and newer."""
    values = [*_bash_values("", program.flags)]
    flags, operands = [], []
    for command in program.commands:
        values += _bash_values(command.name, command.flags)
        names = " ".join(name for flag in command.flags for name in flag.names)
        flags.append(f'    {command.name}:-*) _archc_words "{names}" ;;')
        operands.append(f"    {command.name}:*) {_bash_action(command.kind, command.words)} ;;")
    known = [command.name for command in program.commands]
    common = [name for flag in program.flags for name in flag.names if name.startswith("--")]
    return _BASH.format(
        networks=" ".join(program.networks),
        codes=" ".join(program.codes),
        param=_PARAM,
        names=" | ".join(known),
        common=" ".join([*known, *common]),
        values="\n".join(values),
        flags="\n".join(flags),
        operands="\n".join(operands),
    )


def _bash_values(command: str, flags: tuple[ShellFlag, ...]) -> Iterator[str]:
    """A line for each flag that takes something."""
    for flag in (flag for flag in flags if flag.takes):
        at = " | ".join(f"{command}:{name}" for name in flag.names)
        yield f"    {at}) {_bash_action(flag.kind, flag.words, flag.several)}; return ;;"


def _bash_action(kind: Kind, words: tuple[str, ...], several: bool = False) -> str:
    if words:
        return f'_archc_{"list" if several else "words"} "{" ".join(words)}"'
    if kind == "param":
        return "_archc_params"
    return "COMPREPLY=()" if kind == "word" else f"_archc_files {kind}"


# --- zsh ---------------------------------------------------------------------------------

_ZSH = """\
#compdef archc
# zsh completion of archc: eval "$(archc completion zsh)", or this text as _archc in $fpath

_archc_inputs() {{
  local -a networks
  networks=({networks})
  _alternative 'networks:network:compadd -a networks' 'files:file:_files -g "*.arch(-.)"'
}}

_archc_topics() {{
  local -a codes
  codes=({codes})
  _alternative 'codes:error code:compadd -a codes' 'inputs:input:_archc_inputs'
}}

_archc_params() {{ # of the files on the line
  local -a files names
  files=(${{(M)${{(Q)words}}:#*.arch}}) # without quotes and backslashes
  (( $#files )) || return 1
  names=(${{(f)"$(sed -n {param} $files 2>/dev/null)"}})
  compadd -S '' -a names
}}

_archc() {{
  local context state state_descr line
  typeset -A opt_args
  local -a commands
  commands=(
{commands}
  )
  _arguments -C {flags} \\
    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $words[1] in
{cases}
      esac
      ;;
  esac
}}

if [[ $funcstack[1] == _archc ]]; then
  _archc "$@"
else
  compdef _archc archc
fi
"""
_ZSH_KINDS: dict[Kind, str] = {
    "network": "_archc_inputs",
    "topic": "_archc_topics",
    "param": "_archc_params",
    "arch": '_files -g "*.arch(-.)"',
    "file": "_files",
    "folder": "_files -/",
    "word": "",
}


def zsh(program: ShellProgram) -> str:
    """Return the script for zsh."""
    commands = program.commands
    return _ZSH.format(
        networks=" ".join(program.networks),
        codes=" ".join(program.codes),
        param=_PARAM,
        flags=" ".join(_zsh_flag(flag) for flag in program.flags),
        commands="\n".join(f"    {_quoted(f'{c.name}:{_plain(c.help)}')}" for c in commands),
        cases="\n".join(line for command in commands for line in _zsh_case(command)),
    )


def _zsh_flag(flag: ShellFlag) -> str:
    """One that stands before the command: those without a value end the line."""
    value = f":{flag.metavar}:{_zsh_value(flag)}" if flag.takes else ""
    ends = "" if flag.takes else "(- *)"
    return _quoted(f"{ends}{flag.names[-1]}[{_plain(flag.help)}]{value}")


def _zsh_case(command: ShellCommand) -> Iterator[str]:
    yield f"        {command.name})"
    yield "          _arguments -s \\"
    for flag in command.flags:
        for name in flag.names:
            value = f":{flag.metavar}:{_zsh_value(flag)}" if flag.takes else ""
            yield f"            {_quoted(f'*{name}[{_plain(flag.help)}]{value}')} \\"
    words = f"({' '.join(command.words)})" if command.words else _ZSH_KINDS[command.kind]
    yield f"            {_quoted(f'*:argument:{words}')}"
    yield "          ;;"


def _zsh_value(flag: ShellFlag) -> str:
    return f"({' '.join(flag.words)})" if flag.words else _ZSH_KINDS[flag.kind]


def _plain(text: str) -> str:
    """A text within the brackets of `_arguments`."""
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


# --- fish --------------------------------------------------------------------------------

_FISH = """\
# fish completion of archc: archc completion fish | source
set -g __archc_networks {networks}
set -g __archc_codes {codes}

function __archc_inputs
    string collect -- $__archc_networks
    __fish_complete_suffix .arch
end

function __archc_params # of the files on the line
    for file in (string match -- '*.arch' (commandline -opc))
        test -f $file
        and string replace -rf '^param\\s+(\\w+).*' '$1=' <$file
    end
end

complete -c archc -f
{lines}
"""
_FISH_KINDS: dict[Kind, str] = {
    "network": "(__archc_inputs)",
    "topic": "$__archc_codes (__archc_inputs)",
    "param": "(__archc_params)",
    "arch": "(__fish_complete_suffix .arch)",
    "file": "(__fish_complete_path)",
    "folder": "(__fish_complete_directories)",
    "word": "",
}


def fish(program: ShellProgram) -> str:
    """Return the script for fish."""
    begin = "complete -c archc"
    lines = [_fish_flag(f"{begin} -n __fish_use_subcommand", flag) for flag in program.flags]
    lines += [line for command in program.commands for line in _fish_lines(begin, command)]
    networks, codes = " ".join(program.networks), " ".join(program.codes)
    return _FISH.format(networks=networks, codes=codes, lines="\n".join(lines))


def _fish_lines(begin: str, command: ShellCommand) -> Iterator[str]:
    yield f"{begin} -n __fish_use_subcommand -a {command.name} -d {_fish_quoted(command.help)}"
    begin += f" -n '__fish_seen_subcommand_from {command.name}'"
    operands = " ".join(command.words) or _FISH_KINDS[command.kind]
    if operands:
        yield f"{begin} -a {_fish_quoted(operands)}"
    yield from (_fish_flag(begin, flag) for flag in command.flags)


def _fish_flag(begin: str, flag: ShellFlag) -> str:
    names = [f"-l {n[2:]}" if n.startswith("--") else f"-{'so'[len(n) > 2]} {n[1:]}"
             for n in flag.names]  # fmt: skip
    value = ""
    if flag.takes:
        found = " ".join(flag.words) or _FISH_KINDS[flag.kind]
        value = f" -x -a {_fish_quoted(found)}" if found else " -x"
    return f"{begin} {' '.join(names)}{value} -d {_fish_quoted(flag.help)}"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


WRITERS = {"bash": bash, "zsh": zsh, "fish": fish}
