// The `wasmpay` command: finds the subcommand, and turns what it throws into an exit code and a message.
// Exit codes: 0 done, 1 refused, 2 wrong use or configuration, 3 an outage, 70 a bug.

import { WasmpayError, type ErrorCode } from '../core/error.ts';
import { INSPECT_USAGE, runInspect } from './inspect.ts';
import { KEYS_USAGE, runKeys } from './keys.ts';
import { PUBLISH_USAGE, runPublish } from './publish.ts';
import { printJson, printProgress, printResult } from './terminal.ts';

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<number>>> = {
  inspect: runInspect,
  keys: runKeys,
  publish: runPublish,
};

const USAGE = `wasmpay: publishes validators, the components that decide about payments.

${INSPECT_USAGE}

${PUBLISH_USAGE}

${KEYS_USAGE}
`;

const [name, ...args] = process.argv.slice(2);
if (name === undefined || name === 'help' || name === '--help' || args.includes('--help')) {
  printResult(USAGE);
} else {
  process.exitCode = await run(name, args);
}

async function run(command: string, args: readonly string[]): Promise<number> {
  try {
    const runCommand = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
    if (runCommand === undefined)
      throw new WasmpayError('usage', `there is no command ${JSON.stringify(command)}`);
    return await runCommand(args);
  } catch (error) {
    const code = error instanceof WasmpayError ? error.code : 'internal';
    const message = error instanceof Error ? error.message : String(error);
    if (args.includes('--json')) printJson({ error: { code, message } });
    printProgress(`wasmpay ${command}: ${message}\n  code  ${code}`);
    if (code === 'usage') printProgress(`  help  wasmpay --help`);
    if (code === 'internal' && error instanceof Error) printProgress(error.stack ?? '');
    return exitCodeOf(code);
  }
}

function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case 'usage':
    case 'config_invalid':
    case 'key_invalid':
      return 2;
    case 'store_unavailable':
    case 'store_conflict':
    case 'store_key_invalid':
    case 'store_object_too_large':
    case 'release_invalid':
    case 'artifact_invalid':
    case 'manifest_invalid':
      return 3;
    case 'build_failed':
    case 'internal':
      return 70;
  }
}
