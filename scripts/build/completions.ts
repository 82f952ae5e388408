/** Completions for bash, zsh and fish, generated from the table of options. */
import { SUBCOMMANDS } from '../../src/cli/help-content.ts';
import type { OptionSpec } from '../../src/cli/option-spec.ts';
import { CONFIG_SPECS, SPECS, STATUS_SPECS } from '../../src/cli/options.ts';

export function completions(): Record<'bash' | 'zsh' | 'fish', string> {
  const places = [
    { word: '', specs: SPECS },
    { word: 'status', specs: STATUS_SPECS },
    { word: 'config', specs: CONFIG_SPECS },
  ];
  return { bash: bash(places), zsh: zsh(places), fish: fish(places, SUBCOMMANDS) };
}

type Place = { word: string; specs: readonly OptionSpec[] };

/** The possible values of an option; empty: a file, or any text. */
function choicesOf({ name, value = '' }: OptionSpec) {
  if (name === 'log-level') return ['error', 'warn', 'info', 'debug'];
  if (name === 'acl') return ['open', 'creator'];
  return /^[a-z]+(\|[a-z]+)+$/.test(value) ? value.split('|') : [];
}

const isFile = ({ value }: OptionSpec) => value === 'FILE';

function namesOf({ name, negatable }: OptionSpec) {
  return negatable ? [`--${name}`, `--no-${name}`] : [`--${name}`];
}

function takesWord({ value, isValueOptional }: OptionSpec) {
  return value !== undefined && !isValueOptional;
}

/** The forms of an option whose value is the next word. */
function typed({ name, letter }: OptionSpec) {
  return letter === undefined ? [`--${name}`] : [`--${name}`, `-${letter}`];
}

function bash(places: Place[]) {
  const [run] = places;
  const specs = run?.specs ?? [];
  const values = specs.filter(takesWord);
  const cases = values.flatMap((spec) => {
    const words = choicesOf(spec);
    const pattern = typed(spec).join('|');
    if (words.length > 0)
      return [`${pattern}) COMPREPLY=($(compgen -W '${words.join(' ')}' -- "$cur")); return ;;`];
    return isFile(spec)
      ? [`${pattern}) compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;`]
      : [];
  });
  const lists = places.map(
    ({ word, specs: some }) => `${word || '*'}) words='${some.flatMap(namesOf).join(' ')}' ;;`,
  );
  return `# bash completion for lockex. Generated.
_lockex() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words i
  COMPREPLY=()
  # bash makes a word of each equals sign.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  if [[ \${COMP_WORDS[1]} != status && \${COMP_WORDS[1]} != config ]]; then
    # After the start of the command, its own completion is used.
    for ((i = 1; i < COMP_CWORD; i++)); do
      case \${COMP_WORDS[i]} in
        --) _lockex_command $((i + 1)); return ;;
        ${values.flatMap(typed).join('|')})
          ((i++))
          [[ \${COMP_WORDS[i]} != = ]] || ((i++)) ;;
        =) ((i++)) ;;
        -*) ;;
        *) _lockex_command $i; return ;;
      esac
    done
  fi
  case $prev in
    ${cases.join('\n    ')}
    ${values.flatMap(typed).join('|')}) return ;;
  esac
  case \${COMP_WORDS[1]} in
    ${[...lists.slice(1), lists[0]].join('\n    ')}
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  elif ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W 'status config' -- "$cur") $(compgen -c -- "$cur" | sort -u))
  elif [[ \${COMP_WORDS[1]} != status && \${COMP_WORDS[1]} != config ]]; then
    COMPREPLY=($(compgen -c -- "$cur" | sort -u))
  fi
}
_lockex_command() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif ((COMP_CWORD == $1)); then
    COMPREPLY=($(compgen -c -- "\${COMP_WORDS[COMP_CWORD]}" | sort -u))
  else
    compopt -o default
  fi
}
complete -F _lockex lockex
`;
}

function zsh(places: Place[]) {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = (text: string) => text.replace(/[\\[\]:]/g, '\\$&');
  const entries = ({ specs }: Pick<Place, 'specs'>, ...more: string[]) =>
    [
      ...specs.flatMap((spec) => {
        const words = choicesOf(spec);
        const what = words.length > 0 ? `(${words.join(' ')})` : isFile(spec) ? '_files' : ' ';
        const message = escaped(spec.value ?? '');
        const value = spec.value === undefined ? '' : `:${message}:${what}`;
        const help = `[${escaped(spec.help)}]`;
        const names = [...namesOf(spec), ...(spec.letter ? [`-${spec.letter}`] : [])];
        return names.map((name) => {
          if (value === '' || name.startsWith('--no-')) return quoted(`${name}${help}`);
          if (spec.isValueOptional) return quoted(`${name}=-${help}:${value}`);
          return quoted(
            name.startsWith('--') ? `${name}=${help}${value}` : `${name}+${help}${value}`,
          );
        });
      }),
      ...more,
    ].join(' \\\n        ');
  const [run, status, config] = places;
  return `#compdef lockex
# zsh completion for lockex. Generated.
_lockex() {
  case $words[2] in
    status)
      _arguments -s ':subcommand: ' \\
        ${entries(status ?? { specs: [] }, "'*:lock: '")}
      ;;
    config)
      _arguments -s ':subcommand: ' \\
        ${entries(config ?? { specs: [] })}
      ;;
    *)
      _arguments -s -S \\
        ${entries(run ?? { specs: [] }, "'(-)1: :_lockex_first'", "'*:: :_normal'")}
      ;;
  esac
}
_lockex_first() {
  _alternative 'subcommands:subcommand:(status config)' 'commands:command: _command_names -e'
}
_lockex "$@"
`;
}

function fish(places: Place[], subcommands: readonly { name: string; help: string }[]) {
  const quoted = (text: string) => `'${text.replace(/['\\]/g, '\\$&')}'`;
  const lines = places.flatMap(({ word, specs }) => {
    const when = word === '' ? '__lockex_in_options' : `__lockex_subcommand ${word}`;
    return specs.flatMap((spec) => {
      const words = choicesOf(spec);
      const values =
        words.length > 0 ? ` -xa ${quoted(words.join(' '))}` : isFile(spec) ? ' -rF' : ' -x';
      const value = takesWord(spec) ? values : '';
      const letter = spec.letter === undefined ? '' : ` -s ${spec.letter}`;
      const option = `complete -c lockex -n ${quoted(when)} -l`;
      const help = `-d ${quoted(spec.help)}`;
      const line = `${option} ${spec.name}${letter}${value} ${help}`;
      const negated = `${option} no-${spec.name} ${help}`;
      return spec.negatable ? [line, negated] : [line];
    });
  });
  const withValue = (places[0]?.specs ?? []).filter(takesWord).flatMap(typed);
  return `# fish completion for lockex. Generated.
function __lockex_subcommand
    set -l tokens (commandline -opc)
    test "$tokens[2]" = "$argv[1]"
end
function __lockex_words_before_command
    # How many words there are before the command; fails while there is none.
    set -l tokens (commandline -opc)
    set -l i 2
    while test $i -le (count $tokens)
        if test "$tokens[$i]" = --
            echo $i
            return 0
        else if contains -- "$tokens[$i]" ${withValue.join(' ')}
            set i (math $i + 1)
        else if not string match -q -- '-*' "$tokens[$i]"
            echo (math $i - 1)
            return 0
        end
        set i (math $i + 1)
    end
    return 1
end
function __lockex_in_options
    not __lockex_words_before_command >/dev/null
end
function __lockex_in_command
    ${subcommands.map(({ name }) => `not __lockex_subcommand ${name}`).join('\n    and ')}
    and __lockex_words_before_command >/dev/null
end
function __lockex_complete_command
    set -l tokens (commandline -opc) (commandline -ct)
    set -l first (math (__lockex_words_before_command) + 1)
    complete -C "$tokens[$first..-1]"
end
complete -c lockex -f
${subcommands
  .map(
    ({ name, help }) => `complete -c lockex -n __fish_use_subcommand -a ${name} -d ${quoted(help)}`,
  )
  .join('\n')}
complete -c lockex -n __lockex_in_options -a '(__fish_complete_command)'
complete -c lockex -n __lockex_in_command -a '(__lockex_complete_command)'
${lines.join('\n')}
`;
}
