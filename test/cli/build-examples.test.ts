// `npm run build:examples` for a folder of one's own, wherever it is.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = join(ROOT, 'examples/validators');
const NAME = 'icamer-assemblyscript';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-build-'));
  await mkdir(join(folder, 'called-here'));
  for (const name of ['my-bank', NAME])
    await cp(join(EXAMPLES, NAME), join(folder, name), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs the script as npm does: in the project's folder, called in another. */
async function build(...args: string[]) {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/build-examples.ts'), ...args], {
    cwd: ROOT,
    env: { ...process.env, INIT_CWD: join(folder, 'called-here') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

describe('npm run build:examples', () => {
  it('builds a folder outside of the project, by its path from where it was called', async () => {
    const { code, stdout, stderr } = await build('../my-bank', '--out', 'out');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\.\.\/my-bank: built, [\d,]+ bytes, \d+ ms, out\/my-bank\.wasm$/m);
    const component = await readFile(join(folder, 'called-here/out/my-bank.wasm'));
    // A component (layer 1), not a core module.
    expect([...component.subarray(0, 8)]).toEqual([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
    expect((await build(join(folder, 'my-bank'), '--out', 'out')).stdout).toContain('unchanged');
  });

  it('builds an example by its name', async () => {
    const { code, stdout } = await build(NAME, '--out', 'examples');
    expect([code, stdout.split(',')[0]]).toEqual([0, `${NAME}: built`]);
  });

  it('puts no other component in an example’s place', async () => {
    const { code, stderr } = await build(`../${NAME}`);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`an example is called ${NAME}`)]);
    expect((await build(`../${NAME}`, '--out', 'elsewhere')).code).toBe(0);
    await access(join(folder, 'called-here/elsewhere', `${NAME}.wasm`));
  });

  it('says which folder is no validator', async () => {
    const { code, stderr } = await build('../nowhere', '--out', 'out');
    expect([code, stderr]).toEqual([1, expect.stringContaining('nowhere/validator.json: cannot be read')]);
  });
});
