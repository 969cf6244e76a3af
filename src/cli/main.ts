// The `wasmpay` command: finds the subcommand, and turns what it throws into an exit code and a message.
// Exit codes: 0 done, 1 refused, 2 wrong use or configuration, 3 an outage, 4 a rehearsal that found changes, 70 a bug.

import { WasmpayError, type ErrorCode } from '../core/error.ts';
import { describeFaults, faultsOf } from './author/describe-faults.ts';
import { printProgressLines } from './colour.ts';
import { COMMANDS, type Command } from './commands.ts';
import { describeHint } from './hints.ts';
import { TARGET_USAGE } from './target-usage.ts';
import { printJson, printProgress, printResult } from './terminal.ts';
import { projectVersion } from './version.ts';

const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  config_invalid: 2,
  key_invalid: 2,
  store_unavailable: 3,
  store_conflict: 3,
  store_key_invalid: 3,
  store_object_too_large: 3,
  release_invalid: 3,
  processor_invalid: 3,
  artifact_invalid: 3,
  manifest_invalid: 3,
  source_invalid: 1,
  cases_invalid: 2,
  releases_invalid: 2,
  toolchain_missing: 2,
  build_failed: 70,
  internal: 70,
};

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === 'help' || name === '--help' || args.includes('--help')) {
  printResult(await describeUsage(name));
} else if (name === '--version') {
  printResult(projectVersion);
} else {
  process.exitCode = await run(name, args);
}

async function run(command: string, args: readonly string[]): Promise<number> {
  const load = findCommand(command);
  try {
    if (load === undefined) throw new WasmpayError('usage', `there is no command ${JSON.stringify(command)}`);
    return await (await load()).run(args);
  } catch (error) {
    const code = error instanceof WasmpayError ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    if (args.includes('--json')) printJson({ error: { code, message, ...faultsOf(error) } });
    printProgress(`wasmpay ${command}: ${message}`);
    printProgressLines(describeFaults(error));
    printProgress(`  code  ${code}`);
    const hint = describeHint(code, load === undefined ? '' : command);
    if (hint !== undefined) printProgress(`  help  ${hint}`);
    if (code === 'internal' && error instanceof Error) printProgress(error.stack ?? '');
    return EXIT_CODES[code];
  }
}

function findCommand(command: string | undefined): (() => Promise<Command>) | undefined {
  return command !== undefined && Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
}

/** The usage of one command where `command` is one, with what its TARGET stands for; otherwise of all. */
async function describeUsage(command: string | undefined): Promise<string> {
  const load = findCommand(command);
  if (load !== undefined) {
    const { usage } = await load();
    return usage.includes('[TARGET]') ? `${usage}\n\n${TARGET_USAGE}` : usage;
  }
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const usages = commands.map(({ usage }) => usage);
  const title =
    'wasmpay: writes, tests and publishes validators, the components that decide about payments. ' +
    'One command alone: wasmpay COMMAND --help. The version: wasmpay --version';
  return [title, ...usages, TARGET_USAGE].join('\n\n');
}
