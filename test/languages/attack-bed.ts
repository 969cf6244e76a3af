// Sources that try to bring something of the building machine into a component. A secret stands in a file and in a variable;
// whatever a build gives, component, message or log, must not hold it.

import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { buildValidator } from '../../src/authoring/build-validator.ts';
import { findBubblewrap } from '../../src/authoring/confine.ts';
import { findPrograms } from '../../src/authoring/find-program.ts';
import { WasmpayError } from '../../src/core/error.ts';

export const SECRET = 'S3CRET_OF_THE_BUILDER_7d1f';

export interface Attack {
  /** Path relative to the validator's folder, and text. SECRET_FILE in it stands for where the secret is. */
  readonly files: Readonly<Record<string, string>>;
  /** Links to make: path relative to the folder, and what it points to. */
  readonly links?: Readonly<Record<string, string>>;
}

export interface Outcome {
  /** Stable code of the refusal; `built` where there is a component. */
  readonly code: string;
  readonly message: string;
  readonly hasSecret: boolean;
  /** What was built. */
  readonly component?: Uint8Array<ArrayBuffer>;
}

export interface AttackBed extends AsyncDisposable {
  readonly secretFile: string;
  /** Builds an attack; `confined` false hides bubblewrap from the builder. */
  build(
    attack: Attack,
    options: { confined: boolean; contract?: string; timeoutMs?: number },
  ): Promise<Outcome>;
  /** Runs a compiler on the attack as anybody would, and says whether the secret is in what it made. */
  isReal(attack: Attack, output: string, program: string, ...args: readonly string[]): Promise<boolean>;
}

/** What a builder finds where bubblewrap is not installed. */
const PROGRAMS = ['rustc', 'wasm-ld-19', 'wasm-ld', 'clang-19', 'clang', 'go', 'componentize-py', 'prlimit'];

export async function openAttackBed(language: string, source: string): Promise<AttackBed> {
  const scratch = await mkdtemp(join(tmpdir(), 'wasmpay-attack-'));
  const secretFile = join(scratch, 'secret.txt');
  await writeFile(secretFile, `"${SECRET}"\n`);
  process.env['WASMPAY_TEST_SECRET'] = SECRET;
  const withoutBubblewrap = join(scratch, 'bin');
  await mkdir(withoutBubblewrap);
  for (const name of PROGRAMS) {
    const [program] = findPrograms(name).filter((path) => !/\.cargo/.test(path));
    if (program !== undefined) await symlink(program, join(withoutBubblewrap, name));
  }
  const path = process.env['PATH'] ?? '';
  let count = 0;

  const write = async (attack: Attack, contract: string): Promise<string> => {
    const directory = join(scratch, `attack-${(count += 1)}`);
    const descriptor = { bank: 'icamer', language, contract, world: 'validator', source, build: '' };
    const files = { 'validator.json': JSON.stringify(descriptor), ...attack.files };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), text.replaceAll('SECRET_FILE', secretFile));
    }
    for (const [name, target] of Object.entries(attack.links ?? {}))
      await symlink(target.replaceAll('SECRET_FILE', secretFile), join(directory, name));
    return directory;
  };

  return {
    secretFile,
    async build(attack, { confined, contract = 'wasmpay:platform@0.1.0', timeoutMs }) {
      const directory = await write(attack, contract);
      if (!confined) process.env['PATH'] = withoutBubblewrap;
      try {
        if (confined !== ((await findBubblewrap()) !== undefined))
          throw new Error(confined ? 'bubblewrap does not work here' : 'bubblewrap is still found');
        const { component, log } = await buildValidator({
          directory,
          outDirectory: join(directory, 'build'),
          ...(timeoutMs !== undefined && { timeoutMs }),
        });
        const message = log.join('\n');
        const hasSecret = holdsSecret(component) || message.includes(SECRET);
        return { code: 'built', message, hasSecret, component };
      } catch (error) {
        if (!(error instanceof WasmpayError)) throw error;
        return { code: error.code, message: error.message, hasSecret: error.message.includes(SECRET) };
      } finally {
        process.env['PATH'] = path;
      }
    },
    async isReal(attack, output, program, ...args) {
      const directory = await write(attack, '');
      let said = '';
      try {
        said = execFileSync(program, args, { cwd: directory, encoding: 'utf8', stdio: 'pipe' });
      } catch (error) {
        said = String((error as { stderr?: unknown }).stderr);
      }
      const { readFile } = await import('node:fs/promises');
      const made = (await readdir(directory)).includes(output)
        ? new Uint8Array(await readFile(join(directory, output)))
        : new Uint8Array();
      return holdsSecret(made) || said.includes(SECRET);
    },
    async [Symbol.asyncDispose]() {
      process.env['PATH'] = path;
      delete process.env['WASMPAY_TEST_SECRET'];
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

function holdsSecret(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).includes(SECRET);
}
