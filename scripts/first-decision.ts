// `npm run test:package`: packs the project and installs the tarball as someone does who has never seen it: an empty home, an
// empty cache, the system's own Node and npm. Then, for TypeScript and AssemblyScript, from `wasmpay new` to the first
// decision of a gateway, with the time of each step. Fails where that takes two minutes; where the tarball holds what is not
// for users; where other versions are installed than the shrinkwrap says; and where a component or an artifact has other
// bytes than the checkout makes. Ends with 2 where npm's registry cannot be reached: nothing was tested.

import { spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { judgeFiles } from './package/contents.ts';
import { compareVersions } from './package/installed.ts';
import { createMachine, endGroup, type Machine } from './package/machine.ts';

const ROOT = join(import.meta.dirname, '..');
const NAME = 'wasmpay-gateway';
const AUDIENCE = 'first.example';

/** From `wasmpay new` to a decision, seconds. How long the installation takes before is a matter of the line. */
const MOST_SECONDS = 120;

/** How long the gateway may take to listen, and to end, milliseconds. */
const GATEWAY_MS = 60_000;

/** Examples that both the checkout and the installed package build and publish. */
const EXAMPLES = ['icamer-assemblyscript', 'nordhaven-typescript'];

const faults: string[] = [];
const disk = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-package-')));
try {
  const registry = ask('npm', ['config', 'get', 'registry']);
  const machine = await createMachine(disk, registry);
  const reached = await machine.try('npm', ['view', 'hono', 'version', '--fetch-retries=0'], disk);
  if (reached.code === 0) await checkPackage(machine);
  else {
    console.error("skipped: npm's registry cannot be reached; nothing was installed and nothing is proven");
    process.exitCode = 2;
  }
} finally {
  await rm(disk, { recursive: true, force: true });
}
for (const fault of faults) console.error(`FAILED: ${fault}`);
if (faults.length > 0) process.exitCode = 1;

async function checkPackage(machine: Machine): Promise<void> {
  const tarball = packTarball();
  const project = await machine.folder('project');
  const node = (await machine.run('node', ['--version'], project)).trim();
  const installed = await time(() =>
    machine.run('npm', ['install', '--no-fund', '--no-audit', tarball], project),
  );
  console.log(`installed under Node ${node} in ${installed.seconds.toFixed(1)} s`);

  const { faults: others, compared, shapers } = await compareVersions(project, NAME);
  faults.push(...others);
  console.log(`versions: ${compared} packages, ${others.length} faults; ${shapers.join(', ')}`);

  for (const language of ['typescript', 'assemblyscript'])
    await reachDecision(machine, project, language, installed.seconds);
  for (const example of EXAMPLES) await compareBytes(machine, example);
  await runOtherways(machine, tarball);
}

/** Packs, and looks at what is packed. Gives the tarball. */
function packTarball(): string {
  const answer = ask('npm', ['pack', '--json', `--pack-destination=${disk}`]);
  const [packed] = JSON.parse(answer) as { filename: string; size: number; files: { path: string }[] }[];
  if (packed === undefined) throw new Error('npm packed nothing');
  const wrong = judgeFiles(packed.files.map(({ path }) => path));
  faults.push(...wrong);
  console.log(
    `packed ${packed.files.length} files, ${Math.round(packed.size / 1024)} KiB; ${wrong.length} faults`,
  );
  return join(disk, packed.filename);
}

/** From `new` to a decision, in one language. */
async function reachDecision(
  machine: Machine,
  project: string,
  language: string,
  installed: number,
): Promise<void> {
  const bank = `first-${language}`;
  const work = await machine.folder(`project/${language}`);
  const wasmpay = (...args: string[]): Promise<string> => machine.run('npx', ['wasmpay', ...args], work);
  const store = ['--store', 'file:releases', '--audience', AUDIENCE, '--key', 'keys/signing-key.json'];
  const steps: [name: string, seconds: number][] = [];
  const step = async (name: string, action: () => Promise<unknown>): Promise<void> => {
    steps.push([name, (await time(action)).seconds]);
  };
  await step('new', () => wasmpay('new', bank, '--lang', language));
  await step('build', () => wasmpay('build', bank));
  await step('test', () => wasmpay('test', bank));
  await step('keys', () => wasmpay('keys', 'generate', 'keys'));
  await step('publish', async () => {
    await machine.folder(`project/${language}/releases`);
    await wasmpay('publish', bank, `${bank}/build/${bank}.wasm`, ...store);
  });
  await step('decision', async () => {
    const { expect, transaction } = await readFirstCase(join(work, bank, 'cases.json'));
    const gateway = machine.start(
      join(project, 'node_modules/.bin/wasmpay'),
      ['serve', '--port', '0'],
      work,
      {
        HOST: '127.0.0.1',
        WASMPAY_STORE: 'file:releases',
        WASMPAY_AUDIENCE: AUDIENCE,
        WASMPAY_TRUSTED_KEYS: await readFile(join(work, 'keys/trusted-keys.json'), 'utf8'),
        WASMPAY_SEED_KEY: randomBytes(32).toString('hex'),
        WASMPAY_BASE_DOMAINS: 'localhost',
        WASMPAY_OPEN: 'loopback',
      },
    );
    try {
      const url = await untilListening(gateway);
      const response = await fetch(`${url}/v1/banks/${bank}/validate`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(transaction),
      });
      const answer = (await response.json()) as Record<string, unknown>;
      if (answer['decision'] !== expect || answer['decided_by'] !== 'validator')
        faults.push(`${language}: ${response.status} ${JSON.stringify(answer)}`);
    } finally {
      await end(gateway);
    }
  });
  const total = steps.reduce((sum, [, seconds]) => sum + seconds, 0);
  console.log(
    `${language}: ${total.toFixed(1)} s to the first decision (${steps
      .map(([name, seconds]) => `${name} ${seconds.toFixed(1)}`)
      .join(', ')}), ${(total + installed).toFixed(1)} s with the installation`,
  );
  if (total > MOST_SECONDS) faults.push(`${language}: more than ${MOST_SECONDS} s`);
}

/** An example, built and published by the installed command and by the checkout's. */
async function compareBytes(machine: Machine, example: string): Promise<void> {
  const work = await machine.folder('project/examples');
  await cp(join(ROOT, 'examples/validators', example), join(work, example), { recursive: true });
  const { bank } = JSON.parse(await readFile(join(work, example, 'validator.json'), 'utf8')) as {
    bank: string;
  };
  const command = join(ROOT, 'bin/wasmpay.js');
  const theirs = (...args: string[]): Promise<string> => machine.run('npx', ['wasmpay', ...args], work);
  const ours = async (...args: string[]): Promise<string> => ask(process.execPath, [command, ...args], work);
  await theirs('build', example, '--out', 'theirs');
  await ours('build', example, '--out', 'ours');
  await theirs('keys', 'generate', `keys-${example}`);
  // QuickJS puts a seed of the build into each of its components: of those, one is published twice.
  const isReproducible = example.endsWith('-assemblyscript');
  const published: { artifact: string; component: string }[] = [];
  for (const [by, run] of [
    ['theirs', theirs],
    ['ours', ours],
  ] as const) {
    const file = `${isReproducible ? by : 'theirs'}/${example}.wasm`;
    await machine.folder(`project/examples/store-${by}`);
    const target = [
      '--store',
      `file:store-${by}`,
      '--audience',
      AUDIENCE,
      '--key',
      `keys-${example}/signing-key.json`,
    ];
    const { release } = JSON.parse(await run('publish', bank, file, '--json', ...target)) as {
      release: { artifact: string; component: string };
    };
    published.push(release);
  }
  const [installed, checkout] = published;
  for (const part of ['component', 'artifact'] as const) {
    const [theirs, ours] = [installed?.[part], checkout?.[part]];
    if (theirs === undefined || theirs !== ours)
      faults.push(`${example}: ${part} ${theirs}, of the checkout ${ours}`);
  }
  console.log(`${example}: artifact ${installed?.artifact}`);
}

/** `npx` from the tarball, a global installation, and `npm ci` in the unpacked tarball, which the shrinkwrap must fit. */
async function runOtherways(machine: Machine, tarball: string): Promise<void> {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const elsewhere = await machine.folder('elsewhere');
  await cp(tarball, join(elsewhere, basename(tarball)));
  const said = await machine.run('npx', ['--yes', `./${basename(tarball)}`, '--version'], elsewhere);
  if (said.trim() !== version) faults.push(`npx printed ${JSON.stringify(said)}`);
  const prefix = await machine.folder('global');
  await machine.run('npm', ['install', '--global', `--prefix=${prefix}`, '--no-audit', tarball], elsewhere);
  const globally = await machine.run(join(prefix, 'bin/wasmpay'), ['--version'], elsewhere);
  if (globally.trim() !== version) faults.push(`installed globally, it printed ${JSON.stringify(globally)}`);
  await machine.run('tar', ['xzf', tarball], elsewhere);
  await machine.run('npm', ['ci', '--dry-run'], join(elsewhere, 'package'));
  console.log(`npx and a global installation: ${version}; the shrinkwrap fits package.json`);
}

/** The transaction of the first case, and what a new validator must say to it. */
async function readFirstCase(file: string): Promise<{ expect: string; transaction: unknown }> {
  const { cases } = JSON.parse(await readFile(file, 'utf8')) as {
    cases: { expect: string; transaction: unknown }[];
  };
  const [first] = cases;
  if (first === undefined) throw new Error(`${file} has no case`);
  return first;
}

/** Where a gateway says that it listens. */
async function untilListening(gateway: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let said = '';
  gateway.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const url = /^wasmpay gateway {2}(http:[^\s;]+)/m.exec(said)?.[1];
    if (url !== undefined) resolve(url);
  });
  const fail = (): void => reject(new Error(`the gateway did not start: ${said}`));
  gateway.on('error', fail).on('exit', fail);
  const timer = setTimeout(fail, GATEWAY_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** As systemd ends it: the command has to pass the signal on. */
async function end(gateway: ChildProcess): Promise<void> {
  if (gateway.exitCode === null && gateway.signalCode === null) {
    const timer = setTimeout(() => endGroup(gateway), GATEWAY_MS);
    const ended = once(gateway, 'exit');
    gateway.kill('SIGTERM');
    await ended;
    clearTimeout(timer);
  }
  if (gateway.exitCode !== 0) faults.push(`serve ended with ${gateway.exitCode ?? gateway.signalCode}`);
  endGroup(gateway);
}

async function time(action: () => Promise<unknown>): Promise<{ seconds: number }> {
  const startedMs = performance.now();
  await action();
  return { seconds: (performance.now() - startedMs) / 1000 };
}

/** What a program of this checkout prints. Throws where it does not end with 0. */
function ask(program: string, args: readonly string[], cwd = ROOT): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status === 0) return stdout.trim();
  throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${error?.message ?? stderr}`);
}
