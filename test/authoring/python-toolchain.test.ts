// Which componentize-py a build takes, and what is said where there is none that it can use.

import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

import { COMPONENTIZE_PY_VERSION, findPython } from '../../src/authoring/python-toolchain.ts';

const path = process.env['PATH'] ?? '';
let scratch = '';
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wasmpay-python-'));
});
afterEach(() => {
  process.env['PATH'] = path;
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** An environment as pip leaves it, whose interpreter answers that it has `version`; nothing where it is undefined. */
async function install(name: string, version?: string): Promise<string> {
  const environment = join(scratch, name);
  const bin = join(environment, 'bin');
  await mkdir(bin, { recursive: true });
  const said = JSON.stringify({ python: '/opt/python3', prefix: '/opt', packages: environment, version });
  const answer = version === undefined ? 'exit 1' : `echo '${said}'`;
  await writeFile(join(bin, 'python3'), `#!/bin/sh\n${answer}\n`);
  await writeFile(join(bin, 'componentize-py'), `#!${bin}/python3\n`);
  for (const program of ['python3', 'componentize-py']) await chmod(join(bin, program), 0o755);
  return environment;
}

it('is the one of the environment, before those on the PATH', async () => {
  const own = await install('own', COMPONENTIZE_PY_VERSION);
  const other = await install('other', COMPONENTIZE_PY_VERSION);
  process.env['PATH'] = join(other, 'bin');
  expect(await findPython(own)).toMatchObject({ packages: own });
  expect(await findPython(join(scratch, 'none'))).toEqual({
    python: '/opt/python3',
    packages: other,
    version: `componentize-py@${COMPONENTIZE_PY_VERSION}`,
    readable: [join(other, 'componentize_py'), '/opt/lib'],
  });
});

it('is passed over where it has another version or does not run, for one that does', async () => {
  const folders = [await install('old', '0.1.0'), await install('broken'), await install('new', '99.0.0')];
  process.env['PATH'] = folders.map((folder) => join(folder, 'bin')).join(delimiter);
  const none = join(scratch, 'none');
  const refusal = await findPython(none).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'toolchain_missing' });
  const { message } = refusal as Error;
  expect(message).toContain(`componentize-py ${COMPONENTIZE_PY_VERSION} is needed`);
  expect(message).toMatch(/old\/bin\/componentize-py is 0\.1\.0;.*broken\S* does not run;.*new\S* is 99/);
  const right = await install('right', COMPONENTIZE_PY_VERSION);
  process.env['PATH'] += `${delimiter}${join(right, 'bin')}`;
  expect(await findPython(none)).toMatchObject({ packages: right });
});

it('is asked for, with what installs it, where there is none', async () => {
  process.env['PATH'] = scratch;
  await expect(findPython(join(scratch, 'none'))).rejects.toMatchObject({
    code: 'toolchain_missing',
    message: expect.stringMatching(/^componentize-py is not installed: .*npm run setup:python/) as string,
  });
});
