// releases.yaml: every fault at once, each with its line, its column, its member and what to do; and files that it names, which
// must be its own.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openReleasesFile } from '../../../src/cli/apply/open-files.ts';
import {
  BANK_MEMBERS,
  FILE_MEMBERS,
  MAX_FILE_BANKS,
  MAX_RELEASES_FILE_BYTES,
  parseReleasesFile,
  ReleasesFileError,
  type ReleasesFault,
} from '../../../src/cli/apply/releases-file.ts';
import { BANK_ID } from '../../../src/core/bank.ts';
import { GUEST_LIMIT_RULES } from '../../../src/core/guest-limits.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

function faultsIn(read: () => unknown): readonly ReleasesFault[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ReleasesFileError) return error.faults;
    throw error;
  }
  return [];
}

const faultsOf = (text: string): readonly ReleasesFault[] =>
  faultsIn(() => parseReleasesFile(text, 'releases.yaml'));

const shown = (text: string): string[] =>
  faultsOf(text).map(({ line, column, member }) => `${line}:${column} ${member}`);

const bank = (members: string): string => `banks:\n  icamer: { ${members} }`;

describe('releases.yaml', () => {
  it('says what each bank runs, in its order', () => {
    const text = `# yaml-language-server: $schema=releases.schema.json
$schema: releases.schema.json
audience: pay.example
banks:
  zeta:
    validator: none
    valid_days: 30
  bank_002:
    component: validators/icamer.wasm
    cases: validators/cases.json
    limits: { fuel: 1000, memoryPages: 2 }
    fallback: refuse
    outage: approve
    disabled: false
    accept_imports: ${DIGEST}
  "021":
    component: ${DIGEST}
    disabled: refuse
`;
    expect(parseReleasesFile(text, 'releases.yaml')).toEqual({
      audience: 'pay.example',
      banks: [
        {
          bankId: 'zeta',
          slug: 'zeta',
          place: { line: 5, column: 3 },
          runs: 'none',
          limits: {},
          fallback: 'deny',
          validityDays: 30,
        },
        {
          bankId: 'bank_002',
          slug: 'bank-002',
          place: { line: 8, column: 3 },
          runs: { file: { path: 'validators/icamer.wasm', place: { line: 9, column: 16 } } },
          cases: { path: 'validators/cases.json', place: { line: 10, column: 12 } },
          limits: { fuel: 1000, memoryPages: 2 },
          fallback: 'refuse',
          outage: 'approve',
          disabled: false,
          acceptImports: DIGEST,
        },
        {
          bankId: '021',
          slug: '021',
          place: { line: 16, column: 3 },
          runs: { digest: DIGEST },
          limits: {},
          fallback: 'deny',
          disabled: 'refuse',
        },
      ],
    });
  });

  it('may have no bank', () => {
    expect(parseReleasesFile('banks: {}', 'releases.yaml')).toEqual({ banks: [] });
  });

  it('tells all of its faults at once, in the order of their places, those of YAML as well', () => {
    const text = `audience: 7
bank: x
banks:
  icamer:
    component: ../icamer.wasm
    fallback: approve
    limits: { fuel: 1, speed: 2 }
    grants: [wasi:io/streams]
    fallback: deny
  ICAMER:
    validator: none
    cases: cases.json
  -bad-: &x
    component: *x
  empty:
`;
    expect(shown(text)).toEqual([
      '1:11 audience',
      '2:1 bank',
      '5:16 banks.icamer.component',
      '6:15 banks.icamer.fallback',
      '7:21 banks.icamer.limits.fuel',
      '7:24 banks.icamer.limits.speed',
      '8:5 banks.icamer.grants',
      '8:13 ',
      '9:5 ',
      '10:3 banks.ICAMER',
      '12:5 banks.ICAMER.cases',
      '13:3 banks.-bad-',
      '13:10 ',
      '14:16 ',
      '15:3 banks.empty',
    ]);
    const lines = (() => {
      try {
        parseReleasesFile(text, 'releases.yaml');
      } catch (error) {
        return (error as Error).message.split('\n');
      }
      return [];
    })();
    expect(lines).toHaveLength(16);
    expect(lines[4]).toBe(
      'releases.yaml:6:15: banks.icamer.fallback: must be deny or refuse: a failure is never an approval',
    );
    // Each says what to do, after what is wrong.
    for (const line of lines.slice(1)) expect(line).toMatch(/^releases\.yaml:\d+:\d+: .+: .+/);
  });

  it.each([
    ['no banks', 'audience: a', ['1:1 banks']],
    ['banks without anything', 'banks:', ['1:1 banks']],
    ['banks as a text', 'banks: icamer', ['1:1 banks']],
    ['a list of banks', 'banks:\n  - icamer', ['2:3 ']],
    ['a file that is a text', 'icamer', ['1:1 ']],
    ['an empty audience', 'audience: ""\nbanks: {}', ['1:1 audience']],
    ['a bank that runs nothing', bank('fallback: deny'), ['2:3 banks.icamer']],
    [
      'a component and no validator',
      bank('component: a.wasm, validator: none'),
      ['2:13 banks.icamer.component'],
    ],
    ['another validator', bank('validator: some'), ['2:24 banks.icamer.validator']],
    ['a digest that is none', bank('component: sha256:abc'), ['2:24 banks.icamer.component']],
    ['a digest in capitals', bank(`component: sha256:${'A'.repeat(64)}`), ['2:24 banks.icamer.component']],
    ['an absolute path', bank('component: /etc/passwd'), ['2:24 banks.icamer.component']],
    [
      'a path of another system',
      String.raw`banks: { a: { component: "C:\\a.wasm" } }`,
      ['1:26 banks.a.component'],
    ],
    ['a drive', bank('component: "C:a.wasm"'), ['2:24 banks.icamer.component']],
    ['a path that leaves', bank('component: a/../../b.wasm'), ['2:24 banks.icamer.component']],
    ['cases that leave', bank('component: a.wasm, cases: ".."'), ['2:39 banks.icamer.cases']],
    ['an empty path', bank('component: ""'), ['2:24 banks.icamer.component']],
    [
      'a path with a control character',
      String.raw`banks: { a: { component: "a\u0000" } }`,
      ['1:26 banks.a.component'],
    ],
    ['a path that is a number', bank('component: 7'), ['2:24 banks.icamer.component']],
    ['limits that are a number', bank('component: a, limits: 7'), ['2:27 banks.icamer.limits']],
    [
      'a limit that is a text',
      bank('component: a, limits: { fuel: "5000" }'),
      ['2:43 banks.icamer.limits.fuel'],
    ],
    ['a limit that is nothing', bank('component: a, limits: { fuel: }'), ['2:43 banks.icamer.limits.fuel']],
    ['no days', bank('component: a, valid_days: 0'), ['2:39 banks.icamer.valid_days']],
    ['too many days', bank('component: a, valid_days: 367'), ['2:39 banks.icamer.valid_days']],
    ['an outage that denies', bank('component: a, outage: deny'), ['2:35 banks.icamer.outage']],
    ['disabled: true', bank('component: a, disabled: true'), ['2:37 banks.icamer.disabled']],
    ['disabled: approve', bank('component: a, disabled: approve'), ['2:37 banks.icamer.disabled']],
    ['any imports', bank('component: a, accept_imports: true'), ['2:43 banks.icamer.accept_imports']],
    ['imports of no digest', bank('component: a, accept_imports: all'), ['2:27 banks.icamer.accept_imports']],
    [
      'names of every object',
      bank('component: a, constructor: 1, __proto__: 2'),
      ['2:27 banks.icamer.constructor', '2:43 banks.icamer.__proto__'],
    ],
    [
      'two ids of one slug',
      'banks:\n  a_b: { validator: none }\n  a-b: { validator: none }',
      ['3:3 banks.a-b'],
    ],
    ['a bank that is there', 'banks:\n  a: { validator: none }\n  a: { validator: none }', ['3:3 ']],
    ['an id that is none', 'banks: { "a b\\u0007": { validator: none } }', ['1:10 banks."a b\\u0007"']],
  ])('is refused for %s', (_, text, places) => {
    expect(shown(text)).toEqual(places);
  });

  it(`holds ${MAX_FILE_BANKS} banks, and not one more`, () => {
    const lines = Array.from({ length: MAX_FILE_BANKS + 1 }, (_, i) => `  b${i}: { validator: none }\n`);
    expect(parseReleasesFile(`banks:\n${lines.slice(1).join('')}`, 'x').banks).toHaveLength(MAX_FILE_BANKS);
    expect(shown(`banks:\n${lines.join('')}`)).toEqual(['1:1 banks']);
  });
});

describe('schemas/releases.schema.json', () => {
  interface Schema {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly required?: readonly string[];
    readonly $defs?: Readonly<Record<string, Schema>>;
    readonly propertyNames?: { readonly pattern: string };
    readonly maxProperties?: number;
    readonly pattern?: string;
    readonly additionalProperties?: unknown;
    readonly [keyword: string]: unknown;
  }
  const schema = JSON.parse(
    readFileSync(join(import.meta.dirname, '../../../schemas/releases.schema.json'), 'utf8'),
  ) as Schema;
  const bankSchema = schema.$defs?.['bank'];

  it('has the members that are read, and no others', () => {
    expect(Object.keys(schema.properties ?? {})).toEqual([...FILE_MEMBERS]);
    expect(Object.keys(bankSchema?.properties ?? {})).toEqual([...BANK_MEMBERS]);
    for (const strict of [schema, bankSchema, bankSchema?.properties?.['limits']])
      expect(strict?.additionalProperties).toBe(false);
  });

  it('has the bounds that are held', () => {
    const limits = bankSchema?.properties?.['limits']?.properties;
    expect(limits).toEqual(
      Object.fromEntries(
        Object.entries(GUEST_LIMIT_RULES).map(([name, { least, most, byDefault }]) => [
          name,
          { type: 'integer', minimum: least, maximum: most, default: byDefault },
        ]),
      ),
    );
    expect(schema.properties?.['banks']?.propertyNames?.pattern).toBe(BANK_ID.source);
    expect(schema.properties?.['banks']?.maxProperties).toBe(MAX_FILE_BANKS);
  });

  it.each([
    ['a.wasm', true],
    ['a/b..c/d.wasm', true],
    ['..a', true],
    ['../a', false],
    ['a/..', false],
    ['a/../b', false],
    ['..', false],
    ['/a', false],
    ['C:a', false],
    ['a\\b', false],
    ['a\u0007', false],
    ['sha256:abc', false],
  ])('takes the path %j as the reader does', (path, isTaken) => {
    const pattern = new RegExp(schema.$defs?.['path']?.pattern ?? '', 'u');
    expect(pattern.test(path)).toBe(isTaken);
    expect(faultsOf(`banks: { a: { component: ${JSON.stringify(path)} } }`).length === 0).toBe(isTaken);
  });
});

describe('files that it names', () => {
  let folder = '';
  let outside = '';
  beforeAll(async () => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'wasmpay-files-')));
    folder = join(root, 'inside');
    outside = join(root, 'inside-not');
    await mkdir(join(folder, 'deep'), { recursive: true });
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'SECRET');
    await writeFile(join(folder, 'deep/a.wasm'), 'component');
    await symlink('deep/a.wasm', join(folder, 'link.wasm'));
    await symlink(join(outside, 'secret'), join(folder, 'stolen.wasm'));
    await symlink('../inside-not', join(folder, 'away'));
    await symlink('loop', join(folder, 'loop'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
  });
  afterAll(() => rm(join(folder, '..'), { recursive: true }));

  async function open(text: string): Promise<ReturnType<typeof openReleasesFile>> {
    const path = join(folder, 'releases.yaml');
    await writeFile(path, text);
    return openReleasesFile(path);
  }

  const refusal = async (path: string): Promise<string> => {
    const error = await open(`banks: { a: { component: ${path} } }`).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(error instanceof ReleasesFileError)) throw new Error(`not refused: ${String(error)}`);
    expect(error.faults).toMatchObject([{ member: 'banks.a.component', line: 1, column: 26 }]);
    expect(error.message).not.toContain('SECRET');
    return error.faults[0]?.message ?? '';
  };

  it('are known by their digests, and read again when they are needed', async () => {
    const opened = await open('banks: { a: { component: deep/a.wasm }, b: { component: link.wasm } }');
    expect(opened.digests.get('deep/a.wasm')).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(opened.digests.get('link.wasm')).toBe(opened.digests.get('deep/a.wasm'));
    expect(new TextDecoder().decode(await opened.readComponent('link.wasm'))).toBe('component');
    await writeFile(join(folder, 'deep/a.wasm'), 'another');
    await expect(opened.readComponent('link.wasm')).rejects.toMatchObject({ code: 'usage' });
    await writeFile(join(folder, 'deep/a.wasm'), 'component');
  });

  it.each([
    ['a link to a file elsewhere', 'stolen.wasm', /leaves the folder/],
    ['a file behind a link to a folder elsewhere', 'away/secret', /leaves the folder/],
    ['a folder', 'deep', /is no file/],
    ['the folder itself', '.', /leaves the folder|is no file/],
    ['a pipe, which would never end', 'pipe', /is no file/],
    ['a link to itself', 'loop', /ELOOP/],
    ['what is not there', 'nothing.wasm', /ENOENT/],
  ])('are not %s', async (_, path, message) => {
    expect(await refusal(path)).toMatch(message);
  });

  it('are all looked at before anything is done', async () => {
    const error = await open(
      'banks:\n  a: { component: no.wasm, cases: no.json }\n  b: { component: no.wasm }\n  c: { component: deep/a.wasm, cases: deep/a.wasm }',
    ).catch((error: unknown) => error);
    expect((error as ReleasesFileError).faults.map(({ line, member }) => `${line} ${member}`)).toEqual([
      '2 banks.a.component',
      '2 banks.a.cases',
      '3 banks.b.component',
      '4 banks.c.cases',
    ]);
  });

  it('are none where the file itself is too large, is a pipe, or is no text', async () => {
    const path = join(folder, 'large.yaml');
    await writeFile(path, `banks: {}\n${'#'.repeat(MAX_RELEASES_FILE_BYTES - 10)}`);
    expect((await openReleasesFile(path)).banks).toEqual([]);
    await writeFile(path, `banks: {}\n${'#'.repeat(MAX_RELEASES_FILE_BYTES - 9)}`);
    await expect(openReleasesFile(path)).rejects.toMatchObject({
      code: 'usage',
      message: /has 16777217 bytes/,
    });
    await expect(openReleasesFile(join(folder, 'pipe'))).rejects.toMatchObject({ code: 'usage' });
    await expect(openReleasesFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'usage' });
    await writeFile(path, new Uint8Array([0x62, 0xff, 0xfe]));
    await expect(openReleasesFile(path)).rejects.toMatchObject({ code: 'usage', message: /UTF-8/ });
  });
});
