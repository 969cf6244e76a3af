// `npm run test:schemathesis`: Schemathesis, which makes requests of an OpenAPI document and checks the answers against it,
// against the gateway on Node: loopback, a real validator, a processor with an API key, so that also what is said about
// authentication is checked. Every check is on; openapi/hooks.py has the two rules that no schema can say.
//
// Needs Python with venv (Debian: apt-get install python3-venv); the pinned version goes into build/schemathesis. Without
// them it ends with 2: nothing was tested. More arguments go to Schemathesis: `-- --seed 7 --max-examples 1000`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ROOT, startDocumentedGateway } from './openapi/gateway.ts';
import { installPythonProgram } from './python-environment.ts';

const VERSION = '4.32.5';

const ENVIRONMENT = join(ROOT, 'build/schemathesis', VERSION);
const PROGRAM = join(ENVIRONMENT, 'bin/schemathesis');

const missing = await installPythonProgram(ENVIRONMENT, 'schemathesis', [`schemathesis==${VERSION}`]);
if (missing !== undefined) {
  console.error(`skipped: ${missing}; no request was made and nothing is proven`);
  process.exit(2);
}
{
  await using gateway = await startDocumentedGateway();
  process.exitCode = await runChecks(gateway.url, gateway.apiKey);
}

/** Runs every check against the gateway at `url`; gives Schemathesis' exit code. */
async function runChecks(url: string, apiKey: string): Promise<number> {
  const options = [
    '--checks=all',
    // With more, Python before 3.11.5 may fail ("AST constructor recursion depth mismatch", gh-106905).
    '--workers=1',
    '--continue-on-failure',
    '--no-color',
    `--header=Authorization: Bearer ${apiKey}`,
    ...process.argv.slice(2),
  ];
  // From a file: Schemathesis leaves out the address that it reads the document from.
  const file = join(ENVIRONMENT, 'openapi.json');
  await writeFile(file, await (await fetch(`${url}/openapi.json`)).text());
  const child = spawn(PROGRAM, ['run', file, `--url=${url}`, ...options], {
    stdio: 'inherit',
    // It keeps what it found for next time beside where it runs.
    cwd: ENVIRONMENT,
    env: { ...process.env, SCHEMATHESIS_HOOKS: join(import.meta.dirname, 'openapi/hooks.py') },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
