// `npm run test:compose`: compositions by the real wac, of crates.io. Finds it in PATH and runs test/cli/compose-wac.test.ts
// with it. `-- --write` writes the committed composition anew, where a source of it changed.
//
// Without wac it ends with 2, and says what installs it: nothing was tested.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { findWac, WAC_VERSION, type Wac } from '../src/authoring/wac.ts';
import { WasmpayError } from '../src/core/error.ts';

const ROOT = join(import.meta.dirname, '..');

const wac = await findWac(process.env['PATH'] ?? '').catch((error: unknown) => {
  if (!(error instanceof WasmpayError)) throw error;
  console.error(`skipped: ${error.message}`);
  return undefined;
});
process.exitCode = wac === undefined ? 2 : await runTests(wac);

/** Runs the tests with `wac`; gives their exit code. Another version than the pinned one gives 2. */
async function runTests({ path, version }: Wac): Promise<number> {
  if (version !== WAC_VERSION) {
    console.error(
      `skipped: wac ${version} is installed, and compositions are compared with those of ${WAC_VERSION}`,
    );
    return 2;
  }
  console.log(`wac ${version}`);
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', 'test/cli/compose-wac.test.ts'], {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      WASMPAY_TEST_WAC: path,
      ...(process.argv.includes('--write') && { WASMPAY_TEST_WAC_WRITE: '1' }),
    },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
