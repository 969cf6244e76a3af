// Python: what a module may not do to the machine that builds it, although building runs it; what a component meets when it is
// asked; and that both contracts build. Each build compiles CPython anew: what one can show, no second one is made for.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findPython, type PythonToolchain } from '../../src/authoring/python-toolchain.ts';
import { openHost } from '../fixtures/hosts.ts';
import { TRANSACTION } from '../fixtures/sandbox-bed.ts';
import { openAttackBed, SECRET, type Attack, type AttackBed, type Outcome } from './attack-bed.ts';
import { buildTemplate } from './template-bed.ts';

const CONTRACT = 'wasmpay:platform@0.1.0';
const root = (
  atImport: string,
  body = 'return True',
  more: Readonly<Record<string, string>> = {},
): Attack => ({
  files: { 'validator.py': `${atImport}\n\ndef validate(transaction):\n    ${body}\n`, ...more },
});

/** Reads, writes and connects by every way at once while it is imported, and keeps what it got. */
const loot = (ports: { tcp: number; udp: number }, written: string): string => String.raw`
import os, socket, sys
loot = []
def steal(how):
    try:
        loot.append(str(how()))
    except BaseException as refused:
        loot.append(type(refused).__name__)
PATHS = ["SECRET_FILE", "/etc/passwd", "/proc/self/environ", "/proc/1/environ", "/root/.profile", "/1/../../../../../../../SECRET_FILE",
    "../../../../../../../SECRET_FILE", "/1/linked.py", "/2/wasmpay_private.py", "/2/../wasmpay_private.py"]
for path in PATHS:
    steal(lambda: open(path, "rb").read())
for folder in ["/", "/etc", "/root", "/home", "/tmp", "/2", "..", "/1/.."]:
    steal(lambda: os.listdir(folder))
steal(lambda: dict(os.environ))
steal(lambda: os.getenv("WASMPAY_TEST_SECRET"))
steal(lambda: __import__("wasmpay_private").TEXT)
steal(lambda: __import__("requests"))
steal(lambda: __import__("subprocess").check_output(["cat", "SECRET_FILE"]))
steal(lambda: os.popen("cat SECRET_FILE").read())
steal(lambda: os.symlink("SECRET_FILE", "/1/made.py") or open("/1/made.py").read())
steal(lambda: os.symlink("../../../../../../../SECRET_FILE", "/1/made2.py") or open("/1/made2.py").read())
steal(lambda: os.link("SECRET_FILE", "/1/made.py") or open("/1/made.py").read())
steal(lambda: __import__("ctypes").CDLL(None))
steal(lambda: sys.stdin.read())
def connect(host):
    channel = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    channel.settimeout(2)
    channel.connect((host, ${ports.tcp}))
    return "REACHED by stream"
def send():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"sent", ("127.0.0.1", ${ports.udp}))
    return "REACHED by datagram"
steal(lambda: connect("127.0.0.1"))
steal(lambda: connect("localhost"))
steal(send)
steal(lambda: "REACHED by name " + str(socket.getaddrinfo("localhost", 80)))
steal(lambda: __import__("urllib.request").request.urlopen("http://127.0.0.1:${ports.tcp}/", timeout=2).read())
for place in ["${written}", "/1/../../written", "/2/../../written", "/python/../../written"]:
    steal(lambda: open(place, "w").write("written"))
for place in ["/2/wasmpay_private.py", "/2/evil.pth", "/python/sitecustomize.py", "/bundled/evil.py"]:
    steal(lambda: open(place, "w").write("written"))
def deep():
    deep()
steal(deep)
`;

/** What `validate` does for a status: each is a way to what no validator has. */
const WAYS = String.raw`
import json, random, time
calls = 0
def answer(how, amount):
    global calls
    calls += 1
    if how == "pristine": return calls == 1
    if how == "exact": return amount == 9007199254740993
    if how == "print": print("printed", file=sys.stderr); return True
    if how == "library": return json.loads('{"a": [1.5]}') == {"a": [1.5]}
    if how == "file":
        try: return len(open("/1/validator.py").read()) < 0
        except OSError: return True
    if how == "variable": return os.getenv("WASMPAY_TEST_SECRET") is None
    if how == "random": return 0 <= random.random() < 1
    if how == "late": import colorsys; return True
    if how == "time": return time.time() > 0
    if how == "entropy": return len(os.urandom(8)) == 8
    if how == "connect": connect("127.0.0.1")
    if how == "none": return None
    if how == "number": return 1
    if how == "raise": raise ValueError("raised")
    if how == "exit": sys.exit(0)
    if how == "deep": deep()
    if how == "allocate": return [bytearray(1 << 20) for _ in range(64)] == []
    while how == "forever": pass
    return True
`;

let bed: AttackBed;
let toolchain: PythonToolchain;
/** A package of the machine's that no component has a business with. */
let privateModule: string;
/** A gateway of the machine's that no module has a business with, and how often one came. */
const streams = createServer((socket) => {
  reached += 1;
  socket.on('error', () => {}).destroy();
});
const datagrams = createSocket('udp4', () => (reached += 1));
let reached = 0;
let written: string;
let looting: string;
/** Built confined; what runs in the sandbox afterwards. */
let confinedOutcome: Outcome | undefined;

beforeAll(async () => {
  bed = await openAttackBed('python', 'validator.py');
  toolchain = await findPython();
  privateModule = join(toolchain.packages, 'wasmpay_private.py');
  writeFileSync(privateModule, `TEXT = "${SECRET}"\n`);
  streams.listen(0, '127.0.0.1');
  datagrams.bind(0, '127.0.0.1');
  await Promise.all([once(streams, 'listening'), once(datagrams, 'listening')]);
  written = join(bed.secretFile, '../written');
  const { port: tcp } = streams.address() as AddressInfo;
  looting = loot({ tcp, udp: datagrams.address().port }, written);
});
afterAll(async () => {
  rmSync(privateModule, { force: true });
  streams.close();
  datagrams.close();
  await bed[Symbol.asyncDispose]();
});

/** Every file of the tool's package, with its size and time: a build writes to none. */
function packageState(): string[] {
  const folder = join(toolchain.packages, 'componentize_py');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .concat(readdirSync(toolchain.packages).map((name) => `../${name}`))
    .filter((name) => !name.includes('__pycache__'))
    .map((name) => {
      const { size, mtimeMs, mode } = statSync(join(folder, name));
      return `${name} ${size} ${mtimeMs} ${mode}`;
    })
    .sort();
}

/** What came in until now has been counted. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 200));

it('is attacked with what a Python of the machine’s does', async () => {
  const attack = root(`${looting}\nprint(loot)`);
  expect(await bed.isReal(attack, '', toolchain.python, 'validator.py')).toBe(true);
  await settle();
  expect(reached).toBeGreaterThanOrEqual(3);
  expect(readFileSync(written, 'utf8')).toBe('written');
  rmSync(written);
});

describe.each([true, false])('a module in Python, confined: %s', (confined) => {
  it('gets nothing of the machine into a component, and changes nothing there', async () => {
    reached = 0;
    const before = packageState();
    const attack = {
      ...root(
        `import wasmpay\n${looting}\n${WAYS}`,
        'return len(loot) > 0 and answer(transaction.status, transaction.amount.amount)',
        {
          // Files that stand before one of ours, or steer the tool.
          'wasmpay.py': 'raise SystemError("the author’s")\n',
          'wasmpay_entry.py': 'raise SystemError("the author’s")\n',
          'wasmpay_contract.py': 'raise SystemError("the author’s")\n',
          'wit_world.py': 'raise SystemError("the author’s")\n',
          'componentize-py.toml': 'wit_directory = "SECRET_FILE"\nbindings = "x"\n',
          'sitecustomize.pyc': 'x',
          'setup.cfg': '[x]\n',
        },
      ),
      links: { 'linked.py': 'SECRET_FILE' },
    };
    const outcome = await bed.build(attack, { confined });
    expect(outcome).toMatchObject({ code: 'built', hasSecret: false });
    if (confined) confinedOutcome = outcome;
    await settle();
    expect(reached).toBe(0);
    expect(existsSync(written)).toBe(false);
    expect(packageState()).toEqual(before);
    expect(readFileSync(privateModule, 'utf8')).toContain(SECRET);
  });
});

// Bubblewrap only takes more away.
it('a module in Python gets nothing of the machine into a message, even without bubblewrap', async () => {
  reached = 0;
  const outcome = await bed.build(root(`${looting}\nraise ValueError(repr(loot))`), { confined: false });
  expect(outcome).toMatchObject({ code: 'source_invalid', hasSecret: false });
  // All of it ran, and had no folder but those of the build.
  expect(outcome.message).toMatch(/^validator\.py:\d+:1: ValueError: \[.*'RecursionError'\]/m);
  expect(outcome.message).toContain("'ModuleNotFoundError'");
  expect(outcome.message).not.toMatch(/root:|REACHED/);
  // Python's own variables, and no other.
  expect(/\{[^}]*\}/.exec(outcome.message)?.[0].match(/'\w+'(?=:)/g)).toEqual([
    "'PYTHONUNBUFFERED'",
    "'PYTHONHOME'",
    "'PYTHONPATH'",
  ]);
  await settle();
  expect(reached).toBe(0);
});

it('a component in Python has its library and exact amounts, and finds nothing else', async () => {
  if (confinedOutcome?.component === undefined) throw new Error('nothing was built');
  await using host = await openHost('node');
  const subject = await host.prepare(confinedOutcome.component);
  const ask = async (status: string): Promise<string> => {
    const amount = { ...TRANSACTION.amount, amount: 2n ** 53n + 1n };
    const outcome = await host.call(subject, { transaction: { ...TRANSACTION, status, amount } });
    return outcome.kind === 'verdict' ? outcome.verdict.kind : outcome.failure.code;
  };
  const answers: Record<string, string> = {};
  for (const way of WAYS.matchAll(/how == "(\w+)"/g)) answers[String(way[1])] = await ask(String(way[1]));
  const { approve = [], ...others } = Object.groupBy(Object.keys(answers), (way) => String(answers[way]));
  expect(approve).toEqual(['pristine', 'exact', 'print', 'library', 'variable', 'random']);
  expect(others).toEqual({
    trap: ['file', 'late', 'time', 'entropy', 'connect', 'none', 'number', 'raise', 'deep', 'allocate'],
    // Leaving is a loop that does not end, in the stub of it.
    fuel_exhausted: ['exit', 'forever'],
  });
  // Whatever came before, each transaction is the first.
  expect(await ask('pristine')).toBe('approve');
});

it('is attacked with what works without the empty environment', async () => {
  // As the README of componentize-py has it: the machine's packages are there, to read and to write.
  const directory = new URL('../../wit/0.2.0', import.meta.url).pathname;
  const world = ['-d', directory, '-w', 'validator', '-q'];
  const what = ['componentize', '--stub-wasi', '-o', 'made.wasm', 'validator'];
  const start = `import sys; sys.path.insert(0, ${JSON.stringify(toolchain.packages)}); sys.argv[0] = "componentize-py"; from componentize_py import script; script()`;
  const attack = root('import wasmpay_private\nraise ValueError(wasmpay_private.TEXT)');
  const packages = join(bed.secretFile, '../packages');
  mkdirSync(join(packages, 'lib/python3/site-packages'), { recursive: true });
  writeFileSync(join(packages, 'lib/python3/site-packages/wasmpay_private.py'), `TEXT = "${SECRET}"\n`);
  process.env['VIRTUAL_ENV'] = packages;
  try {
    expect(await bed.isReal(attack, 'made.wasm', toolchain.python, '-c', start, ...world, ...what)).toBe(
      true,
    );
  } finally {
    delete process.env['VIRTUAL_ENV'];
  }
});

describe('a module in Python that does not end', () => {
  it('is ended by the bound of time', async () => {
    const outcome = await bed.build(root('while True:\n    pass'), { confined: true, timeoutMs: 20_000 });
    expect(outcome).toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('did not end within 20000 ms') as string,
    });
  });

  it('is ended by the bound of memory, below what WebAssembly itself would give', async () => {
    const grow =
      'kept = []\ntry:\n    while True:\n        kept.append(bytearray(64 << 20))\nexcept MemoryError:\n    got = len(kept)\n    kept = None\n    raise MemoryError(f"after {got}")';
    const outcome = await bed.build(root(grow), { confined: true });
    expect(outcome).toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(/^validator\.py:8:1: MemoryError: after \d+/m) as string,
    });
    // In 64 MiB: 3 GiB less what the tool itself takes; WebAssembly would give 63.
    const got = Number(/after (\d+)/.exec(outcome.message)?.[1]);
    expect(got).toBeGreaterThan(16);
    expect(got).toBeLessThan(48);
  });
});

describe('a source in Python with faults', () => {
  it('is told where, though no frame of the traceback is at it', async () => {
    const outcome = await bed.build(root('\nx = ('), { confined: true });
    expect(outcome.code).toBe('source_invalid');
    expect(outcome.message).toMatch(/^validator\.py:2:1: SyntaxError: /m);
  });

  it('is told what the contract asks for', async () => {
    const none = { files: { 'validator.py': 'def check(): pass\n' } };
    const outcome = await bed.build(none, { confined: true, contract: CONTRACT });
    expect(outcome.message).toMatch(/^validator\.py:1:1: the contract asks for `def validate\(.*-> bool`$/m);
  });
});

// Once each: other bytes come of it each time, since Python's seed for hashes is drawn while it starts.
it.each(['0.1.0', '0.2.0'])('the template for contract %s builds, and keeps its cases', async (contract) => {
  for (const component of await buildTemplate('python', contract))
    expect(component.byteLength).toBeLessThan(24 * 1024 * 1024);
});
