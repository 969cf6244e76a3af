// `wasmpay completions SHELL`: a script that completes commands and their options, made of the usage texts, so that it knows
// what they know.

import { WasmpayError } from '../core/error.ts';
import { parseOptions } from './options.ts';
import { printResult } from './terminal.ts';

const USAGE = `wasmpay completions bash|zsh|fish
  Prints a script that completes commands and options: eval "$(wasmpay completions bash)" in ~/.bashrc, the same with zsh
  in ~/.zshrc, or wasmpay completions fish > ~/.config/fish/completions/wasmpay.fish.`;

/** The command for main.ts. */
export const completionsCommand = { usage: USAGE, run: runCompletions };

/** A command as a shell completes it. */
interface Completion {
  readonly name: string;
  /** The first sentence of its usage. */
  readonly summary: string;
  /** `--json`, sorted. */
  readonly options: readonly string[];
  /** `rotate` of `wasmpay keys rotate`. */
  readonly subcommands: readonly string[];
}

const SHELLS: Readonly<Record<string, (commands: readonly Completion[]) => string>> = {
  bash: writeBash,
  zsh: writeZsh,
  fish: writeFish,
};

async function runCompletions(args: readonly string[]): Promise<number> {
  const { arguments: positionals } = parseOptions(args, ['SHELL'], {});
  const shell = positionals[0] ?? '';
  const write = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (write === undefined) throw new WasmpayError('usage', `SHELL is ${Object.keys(SHELLS).join(', ')}`);
  // Not before it is needed: the commands' table knows this file.
  const { COMMANDS } = await import('./commands.ts');
  const commands = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => readCompletion(name, (await load()).usage)),
  );
  printResult(write(commands));
  return 0;
}

function readCompletion(name: string, usage: string): Completion {
  const lines = usage.split('\n');
  const synopses = lines.filter((line) => line.startsWith('wasmpay '));
  const prose = lines.filter((line) => /^ {2}\S/.test(line)).map((line) => line.trim());
  const [summary = ''] = prose.join(' ').split(/(?<=\.)\s/);
  const subcommands = synopses.flatMap(
    (line) => new RegExp(`^wasmpay ${name} ([a-z][a-z-]*)`).exec(line)?.[1] ?? [],
  );
  return {
    name,
    summary,
    options: [...new Set(usage.match(/--[a-z][a-z-]*/g))].sort(),
    subcommands: [...new Set(subcommands)].sort(),
  };
}

function writeBash(commands: readonly Completion[]): string {
  const cases = commands.map(
    ({ name, options, subcommands }) =>
      `    ${name}) words="${[...subcommands, ...options, '--help'].join(' ')}" ;;`,
  );
  return `_wasmpay() {
  local word="\${COMP_WORDS[COMP_CWORD]}" words
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="${commands.map(({ name }) => name).join(' ')} help" ;;
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${commands.map(({ name }) => name).join(' ')} help"
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [ "$COMP_CWORD" -gt 1 ] && [ "\${word:0:1}" != - ]; then COMPREPLY+=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _wasmpay wasmpay`;
}

function writeZsh(commands: readonly Completion[]): string {
  const names = commands.map(({ name, summary }) => `    '${name}:${summary.replaceAll("'", "'\\''")}'`);
  const cases = commands.map(
    ({ name, options, subcommands }) =>
      `    ${name}) compadd -- ${[...subcommands, ...options, '--help'].join(' ')}; _files ;;`,
  );
  return `#compdef wasmpay
_wasmpay() {
  local -a commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  case "$words[2]" in
${cases.join('\n')}
  esac
}
compdef _wasmpay wasmpay`;
}

function writeFish(commands: readonly Completion[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  return commands
    .flatMap(({ name, summary, options, subcommands }) => {
      const seen = `-n '__fish_seen_subcommand_from ${name}'`;
      return [
        `complete -c wasmpay -n __fish_use_subcommand -f -a ${name} -d ${quote(summary)}`,
        ...subcommands.map((word) => `complete -c wasmpay ${seen} -a ${word}`),
        ...options.map((option) => `complete -c wasmpay ${seen} -l ${option.slice(2)}`),
      ];
    })
    .join('\n');
}
