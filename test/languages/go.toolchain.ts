// Go: what a source may not do to the machine that builds it, what its runtime is given, and that both contracts build to the
// same bytes.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { buildValidator } from '../../src/authoring/build-validator.ts';
import { openHost, type Host } from '../fixtures/hosts.ts';
import { TRANSACTION } from '../fixtures/sandbox-bed.ts';
import { openAttackBed, SECRET, type Attack, type AttackBed } from './attack-bed.ts';
import { buildTemplateTwice } from './template-bed.ts';

const source = (body: string, imports = '', before = ''): string =>
  `package validator\n\nimport (\n${imports}\n"wasmpay"\n)\n${before}\nfunc Validate(t wasmpay.Transaction) bool {\n${body}\n}\n`;
const root = (body: string, imports?: string, before?: string): Attack => ({
  files: { 'validator.go': source(body, imports, before) },
});

/** A byte of the text decides, so that no compiler leaves it out. */
const keep = 'return secret[int(t.Amount.Amount)%len(secret)] > 64';
const embed = (pattern: string): Attack =>
  root(keep, '_ "embed"', `//go:embed ${pattern}\nvar secret string\n`);

const ATTACKS: Readonly<Record<string, Attack>> = {
  'an embedded file at an absolute path': embed('SECRET_FILE'),
  'an embedded file up and out of the folder': embed('../../../secret.txt'),
  'an embedded link': { ...embed('linked.go'), links: { 'linked.go': 'SECRET_FILE' } },
  'an embedded link of another ending': { ...embed('linked.txt'), links: { 'linked.txt': 'SECRET_FILE' } },
  'an embedded folder that is a link': { ...embed('linked'), links: { linked: '/etc' } },
  'cgo that includes a file': root('return C.secret[0] > 64', '"C"', '// #include "SECRET_FILE"\n'),
  cgo: {
    files: {
      'validator.go':
        'package validator\n\n// static const char secret[] =\n// #include "SECRET_FILE"\n// ;\nimport "C"\nimport "wasmpay"\n\nfunc Validate(t wasmpay.Transaction) bool { return C.secret[0] > 64 }\n',
    },
  },
  'an assembler’s file': {
    files: {
      'validator.go': source('return first() > 64', '', 'func first() byte'),
      'first_wasm.s': '#include "SECRET_FILE"\nTEXT ·first(SB), $0\n\tRET\n',
    },
  },
  'a module of the machine, by the author’s go.mod': {
    files: {
      'validator.go': source('return outside.Secret[0] > 64', '"outside"'),
      'go.mod': 'module validator\nrequire outside v0.0.0\nreplace outside => SECRET_FILE/..\n',
    },
  },
  'a module of the network': root('return yaml.Marshal != nil', '"gopkg.in/yaml.v3"'),
  'a package of the machine, by a path': root('return outside.Secret[0] > 64', '"../../../outside"'),
};

let bed: AttackBed;
let host: Host;
beforeAll(async () => {
  bed = await openAttackBed('go', 'validator.go');
  host = await openHost('node');
});
afterAll(async () => {
  await bed[Symbol.asyncDispose]();
  await host[Symbol.asyncDispose]();
});

describe.each([true, false])('a source in Go, confined: %s', (confined) => {
  it.each(Object.keys(ATTACKS))('gets nothing of the machine by %s', async (name) => {
    const outcome = await bed.build(ATTACKS[name] as Attack, { confined });
    expect(outcome).toMatchObject({ hasSecret: false });
    expect(['source_invalid', 'build_failed'], outcome.message).toContain(outcome.code);
  });

  it('builds without them, and runs nothing of the author’s while it does', async () => {
    const ran = join(bed.secretFile, '../ran-by-go');
    const outcome = await bed.build(
      {
        files: {
          'validator.go': source(
            'return rules.Most >= t.Amount.Amount',
            '"validator/rules"',
            `//go:generate touch ${ran}`,
          ),
          'rules/rules.go': 'package rules\n\nconst Most = 1\n',
          'validator_test.go': 'package validator\n\nimport "nothing/that/is/there"\n',
          'go.work': 'go 1.24\nuse ..\n',
          'vendor/modules.txt': '# wasmpay v0.0.0\n',
          'main.go': '//go:build ignore\n\npackage main\n',
        },
      },
      { confined },
    );
    expect(outcome).toMatchObject({ code: 'built', hasSecret: false });
    expect(existsSync(ran)).toBe(false);
  });
});

describe('a component of Go', () => {
  it('has its standard library, prints, and finds no file, variable or argument', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'wasmpay-go-'));
    try {
      const directory = join(scratch, 'icamer');
      await mkdir(directory);
      const descriptor = {
        bank: 'icamer',
        language: 'go',
        contract: 'wasmpay:platform@0.2.0',
        world: 'validator',
      };
      await writeFile(
        join(directory, 'validator.json'),
        JSON.stringify({ ...descriptor, source: 'validator.go', build: '' }),
      );
      await writeFile(
        join(directory, 'validator.go'),
        `package validator

import (
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"wasmpay"
)

func Validate(t wasmpay.Transaction) wasmpay.Verdict {
	fmt.Println("printed", t.Origin.Name)
	fmt.Fprintln(os.Stderr, "printed as an error")
	var random [11]byte
	rand.Read(random[:])
	_, err := os.ReadFile("/etc/passwd")
	_, written := os.Create("written"), os.WriteFile("/tmp/x", nil, 0o600)
	info, _ := debug.ReadBuildInfo()
	switch t.Status {
	case "sleep":
		time.Sleep(time.Second)
	case "exit":
		os.Exit(0)
	case "panic":
		var none []int
		fmt.Println(none[len(t.ID)])
	case "forever":
		for {
		}
	case "deadlock":
		<-make(chan int)
	case "nothing":
		return wasmpay.Verdict{}
	case "routines":
		answers := make(chan int64)
		go func() { answers <- t.Amount.Amount * 2 }()
		return wasmpay.Deny("AM02", fmt.Sprint(<-answers))
	case "allocate":
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<20))
		}
	case "print":
		fmt.Print(strings.Repeat("x", 9000))
		panic("printed")
	case "collect":
		total := 0
		for i := 0; i < 200; i++ {
			total += len(make([]byte, 1<<16+i%2))
		}
		return wasmpay.Deny("AM02", fmt.Sprint(total))
	}
	return wasmpay.Deny("AM02", strings.TrimSpace(fmt.Sprintln(err != nil, written != nil, len(os.Environ()), len(os.Args), runtime.GOROOT() == "", time.Now().UTC().Format(time.RFC3339Nano), random != [11]byte{}, info == nil || len(info.Main.Path) < 99)))
}
`.replace('_, written := os.Create("written"), os.WriteFile', 'written := os.WriteFile'),
      );
      process.env['WASMPAY_TEST_SECRET'] = SECRET;
      const { component } = await buildValidator({ directory, outDirectory: join(scratch, 'out') });
      const bytes = Buffer.from(component);
      for (const trace of [SECRET, scratch, tmpdir() + '/wasmpay-', process.env['HOME'] ?? SECRET])
        if (trace.length > 6) expect(bytes.includes(trace), trace).toBe(false);
      const subject = await host.prepare(component);
      const ask = async (status: string) => {
        const outcome = await host.call(subject, { transaction: { ...TRANSACTION, status } });
        return outcome.kind === 'verdict' ? outcome.verdict : outcome.failure.code;
      };
      const denial = (message: string) => ({ kind: 'deny', denial: { code: 'AM02', message } });
      expect(await ask('')).toEqual(denial('true true 2 0 true 2027-01-15T08:00:00.123Z true true'));
      expect(await ask('')).toEqual(await ask(''));
      expect(await ask('routines')).toEqual(denial(String(TRANSACTION.amount.amount * 2n)));
      expect(await ask('collect'), 'collect').toEqual(denial(String(200 * 65_536 + 100)));
      for (const status of ['sleep', 'exit', 'panic', 'print', 'deadlock', 'nothing'])
        expect(await ask(status), status).toBe('trap');
      expect(await ask('forever')).toBe('fuel_exhausted');
      expect(['memory_exceeded', 'fuel_exhausted', 'trap']).toContain(await ask('allocate'));
      // Whatever came before, the answer is the same.
      expect(await ask('')).toEqual(denial('true true 2 0 true 2027-01-15T08:00:00.123Z true true'));
    } finally {
      delete process.env['WASMPAY_TEST_SECRET'];
      await rm(scratch, { recursive: true, force: true });
    }
  });
});

describe('a source in Go with faults', () => {
  it.each([
    ['a member that is none', 'return t.Sum > 0', /^validator\.go:9:10: t\.Sum undefined/m],
    ['a syntax error', 'return t.Amount.Amount >', /^validator\.go:10:1: syntax error/m],
    ['a type error', 'return t.Amount.Amount', /^validator\.go:9:8: cannot use t\.Amount\.Amount/m],
  ])('is told where, for %s', async (_, body, message) => {
    const outcome = await bed.build(root(body), { confined: true });
    expect(outcome).toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is told what the contract asks for', async () => {
    const other = root('return true');
    const outcome = await bed.build(other, { confined: true, contract: 'wasmpay:platform@0.2.0' });
    expect(outcome.message).toMatch(
      /^validator\.go:1:1: the contract asks for `func Validate\(.*wasmpay\.Verdict`/m,
    );
  });

  it('fails as a build for an import that no contract names', async () => {
    const peek = '//go:wasmimport env peek\nfunc peek() int64\n';
    const outcome = await bed.build(root('return peek() > 0', '', peek), { confined: true });
    expect(outcome).toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('env') as string,
    });
  });
});

it.each(['0.1.0', '0.2.0'])(
  'the template for contract %s builds twice to the same bytes',
  async (contract) => {
    const [first, again] = await buildTemplateTwice('go', contract);
    expect(again).toEqual(first);
  },
);
