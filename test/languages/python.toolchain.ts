// Python: what a module may not do to the machine that builds it, although building runs it, and that both contracts build.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findPython, type PythonToolchain } from '../../src/authoring/python-toolchain.ts';
import { openAttackBed, SECRET, type Attack, type AttackBed } from './attack-bed.ts';
import { buildTemplateTwice } from './template-bed.ts';

const CONTRACT = 'wasmpay:platform@0.1.0';
const root = (
  atImport: string,
  body = 'return True',
  more: Readonly<Record<string, string>> = {},
): Attack => ({
  files: { 'validator.py': `${atImport}\n\ndef validate(transaction):\n    ${body}\n`, ...more },
});

/** Reads by every way at once, and says what it saw: in the component, and in the exception's message. */
const LOOT = String.raw`
import os, sys
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
steal(lambda: __import__("subprocess").check_output(["cat", "SECRET_FILE"]))
steal(lambda: os.popen("cat SECRET_FILE").read())
steal(lambda: os.symlink("SECRET_FILE", "/1/made.py") or open("/1/made.py").read())
steal(lambda: os.link("SECRET_FILE", "/1/made.py") or open("/1/made.py").read())
steal(lambda: __import__("ctypes").CDLL(None))
steal(lambda: sys.stdin.read())
`;

let bed: AttackBed;
let toolchain: PythonToolchain;
/** A package of the machine's that no component has a business with. */
let privateModule: string;
beforeAll(async () => {
  bed = await openAttackBed('python', 'validator.py');
  toolchain = await findPython();
  privateModule = join(toolchain.packages, 'wasmpay_private.py');
  writeFileSync(privateModule, `TEXT = "${SECRET}"\n`);
});
afterAll(async () => {
  rmSync(privateModule, { force: true });
  await bed[Symbol.asyncDispose]();
});

describe.each([true, false])('a module in Python, confined: %s', (confined) => {
  it('gets nothing of the machine into a component', async () => {
    const attack = {
      ...root(LOOT, 'return len(loot) > 0 and transaction.amount.amount > 0'),
      links: { 'linked.py': 'SECRET_FILE' },
    };
    expect(await bed.build(attack, { confined })).toMatchObject({ code: 'built', hasSecret: false });
  });

  it('gets nothing of the machine into a message', async () => {
    const outcome = await bed.build(root(`${LOOT}\nraise ValueError(repr(loot))`), { confined });
    expect(outcome).toMatchObject({ code: 'source_invalid', hasSecret: false });
    // It ran, and had no folder but those of the build.
    expect(outcome.message).toContain('ValueError');
    expect(outcome.message).not.toMatch(/root:/);
    // Python's own variables, and no other.
    expect(/\{[^}]*\}/.exec(outcome.message)?.[0].match(/'\w+'(?=:)/g)).toEqual([
      "'PYTHONUNBUFFERED'",
      "'PYTHONHOME'",
      "'PYTHONPATH'",
    ]);
  });

  it('reaches no network', async () => {
    const connect =
      'import socket\nfor address in [("127.0.0.1", 22), ("1.1.1.1", 53)]:\n    try:\n        socket.create_connection(address, 2)\n        raise SystemError("connected")\n    except OSError:\n        pass';
    expect(await bed.build(root(connect), { confined })).toMatchObject({ code: 'built' });
  });

  it('writes nothing outside of the build', async () => {
    const written = join(bed.secretFile, '../written');
    const write = [
      'import os',
      `for place in ["${written}", "/1/../../written", "/2/wasmpay_private.py", "/2/evil.pth", "/0/../../written"]:`,
      '    try:',
      '        open(place, "w").write("written")',
      '    except OSError:',
      '        pass',
    ].join('\n');
    await bed.build(root(write), { confined });
    expect(existsSync(written)).toBe(false);
    expect(existsSync(join(toolchain.packages, 'evil.pth'))).toBe(false);
    expect(readFileSync(privateModule, 'utf8')).toContain(SECRET);
  });

  it('takes no settings and no world of the author', async () => {
    const files = {
      'componentize-py.toml': 'wit_directory = "SECRET_FILE"\nbindings = "x"\n',
      'sitecustomize.pyc': 'x',
      'setup.cfg': '[x]\n',
    };
    expect(await bed.build(root('', 'return True', files), { confined })).toMatchObject({ code: 'built' });
  });

  it('stands before none of ours, nor of Python’s', async () => {
    const files = {
      'wasmpay.py': 'raise SystemError("the author’s")\n',
      'wasmpay_entry.py': 'raise SystemError("the author’s")\n',
      'wasmpay_contract.py': 'raise SystemError("the author’s")\n',
      'wit_world.py': 'raise SystemError("the author’s")\n',
    };
    expect(await bed.build(root('import wasmpay', 'return True', files), { confined })).toMatchObject({
      code: 'built',
    });
  });
});

it('is attacked with what works without the empty environment', async () => {
  // As the README of componentize-py has it: the machine's packages are there, to read and to write.
  const directory = new URL('../../wit/0.2.0', import.meta.url).pathname;
  const world = [
    '-d',
    directory,
    '-w',
    'validator',
    '-q',
    'componentize',
    '--stub-wasi',
    '-o',
    'made.wasm',
    'validator',
  ];
  const start = `import sys; sys.path.insert(0, ${JSON.stringify(toolchain.packages)}); sys.argv[0] = "componentize-py"; from componentize_py import script; script()`;
  const attack = root('import wasmpay_private\nraise ValueError(wasmpay_private.TEXT)');
  const packages = join(bed.secretFile, '../packages');
  mkdirSync(join(packages, 'lib/python3/site-packages'), { recursive: true });
  writeFileSync(join(packages, 'lib/python3/site-packages/wasmpay_private.py'), `TEXT = "${SECRET}"\n`);
  process.env['VIRTUAL_ENV'] = packages;
  try {
    expect(await bed.isReal(attack, 'made.wasm', toolchain.python, '-c', start, ...world)).toBe(true);
  } finally {
    delete process.env['VIRTUAL_ENV'];
  }
});

describe('a module in Python that does not end', () => {
  it('is ended by the bound of time', async () => {
    const startedMs = performance.now();
    const outcome = await bed.build(root('while True:\n    pass'), { confined: true, timeoutMs: 20_000 });
    expect(outcome).toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('did not end within 20000 ms') as string,
    });
    expect(performance.now() - startedMs).toBeLessThan(60_000);
  });

  it('is ended by the bound of memory', async () => {
    const outcome = await bed.build(
      root('kept = []\nwhile True:\n    kept.append(bytearray(b"x" * (64 << 20)))'),
      { confined: true },
    );
    expect(outcome).toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(/^validator\.py:3:1: MemoryError/m) as string,
    });
  });
});

describe('a source in Python with faults', () => {
  it.each([
    ['a syntax error', 'x = (', /^validator\.py:1:1: SyntaxError: /m],
    [
      'a name that is none',
      'MOST = THOUSAND',
      /^validator\.py:1:1: NameError: name 'THOUSAND' is not defined/m,
    ],
    ['a module that is none', '\nimport requests', /^validator\.py:2:1: ModuleNotFoundError: .*'requests'/m],
    ['a loop of calls', 'def f(): f()\nf()', /^validator\.py:1:1: RecursionError: /m],
  ])('is told where, for %s', async (_, text, message) => {
    expect(await bed.build(root(text), { confined: true })).toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is told what the contract asks for', async () => {
    const none = { files: { 'validator.py': 'def check(): pass\n' } };
    const outcome = await bed.build(none, { confined: true, contract: CONTRACT });
    expect(outcome.message).toMatch(/^validator\.py:1:1: the contract asks for `def validate\(.*-> bool`$/m);
  });
});

it.each(['0.1.0', '0.2.0'])('the template for contract %s builds, and keeps its cases', async (contract) => {
  // Other bytes each time: Python's seed for hashes is drawn while it starts.
  for (const component of await buildTemplateTwice('python', contract))
    expect(component.byteLength).toBeLessThan(24 * 1024 * 1024);
});
