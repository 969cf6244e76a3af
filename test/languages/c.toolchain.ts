// C: what a source may not do to the machine that builds it, and that both contracts build to the same bytes.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findC, type CToolchain } from '../../src/authoring/c-toolchain.ts';
import { openAttackBed, type Attack, type AttackBed } from './attack-bed.ts';
import { buildTemplateTwice } from './template-bed.ts';

const root = (body: string, before = ''): Attack => ({
  files: {
    'validator.c': `#include <wasmpay.h>\n${before}\nbool validate(const wasmpay_transaction *t) {\n${body}\n}\n`,
  },
});

/** A byte of the text decides, so that no compiler leaves it out. */
const keep = 'return s[(size_t)t->amount.amount % sizeof s] > 64;';
const INCBIN = String.raw`".global s\\n.section .data.s,\"\",@\\ns: .incbin \"SECRET_FILE\"\\n"`.replaceAll(
  '\\\\n',
  '\\n',
);

const ATTACKS: Readonly<Record<string, Attack>> = {
  '#include of an absolute path': root(keep, 'static const char s[] =\n#include "SECRET_FILE"\n;'),
  '#include in angles': root(keep, 'static const char s[] =\n#include <SECRET_FILE>\n;'),
  '#include up and out of the folder': root(
    keep,
    'static const char s[] =\n#include "../../../../../../SECRET_FILE"\n;',
  ),
  '#include, quoted in a message': root('return true;', '#include "SECRET_FILE"'),
  '#include of a macro': root(keep, '#define FILE "SECRET_FILE"\nstatic const char s[] =\n#include FILE\n;'),
  '#include behind a comment of several lines': root(
    keep,
    'static const char s[] =\n/* a\nb */ # /* c\nd */ include "SECRET_FILE"\n;',
  ),
  '#include behind a broken line': root(keep, 'static const char s[] =\n#inc\\\nlude "SECRET_FILE"\n;'),
  '#include behind a carriage return': root(keep, 'static const char s[] =\r#include "SECRET_FILE"\r;'),
  '#include behind a string that looks like a comment': root(
    keep,
    'static const char u[] = "/*"; static const char s[] =\n#include "SECRET_FILE"\n; // */',
  ),
  '#include behind a raw string': root(
    keep,
    'static const char s[] =\n#define R(x)\nR("(/*)")\n#include "SECRET_FILE"\n; // */',
  ),
  '#include behind an apostrophe': root(
    keep,
    '#if 0\ndon\'t /*\n#endif\nstatic const char s[] =\n#include "SECRET_FILE"\n; // */',
  ),
  '#include spelled with a digraph': root(keep, 'static const char s[] =\n%:include "SECRET_FILE"\n;'),
  '#include spelled with a trigraph': root(keep, 'static const char s[] =\n??=include "SECRET_FILE"\n;'),
  '#include_next': root(keep, 'static const char s[] =\n#include_next "SECRET_FILE"\n;'),
  '#import': root(keep, 'static const char s[] =\n#import "SECRET_FILE"\n;'),
  '#embed': root(keep, 'static const char s[] = {\n#embed "SECRET_FILE"\n};'),
  '#include of the system’s headers': root('return true;', '#include "/usr/include/stdio.h"'),
  'a link in the folder': {
    ...root(keep, 'static const char s[] =\n#include "linked.h"\n;'),
    links: { 'linked.h': 'SECRET_FILE' },
  },
  'assembly that includes a file': root('return s[0] > 64;', `extern const char s[];\n__asm__(${INCBIN});`),
  'assembly in the other spelling': root('return s[0] > 64;', `extern const char s[];\nasm(${INCBIN});`),
  'assembly made of parts': root(
    'return s[0] > 64;',
    `extern const char s[];\n#define GLUE(a, b) a##b\nGLUE(__as, m__)(${INCBIN});`,
  ),
  'assembly behind a broken line': root(
    'return s[0] > 64;',
    `extern const char s[];\n__as\\\nm__(${INCBIN});`,
  ),
  'assembly that is a file of its own': {
    files: {
      ...root('extern const char s[]; return s[0] > 64;').files,
      'secret.s': '.incbin "SECRET_FILE"\n',
    },
  },
  'whether a file is there': root(
    'return SEEN;',
    '#if __has_include("SECRET_FILE")\n#define SEEN true\n#else\n#define SEEN false\n#endif',
  ),
  'whether a file is there, made of parts': root(
    'return SEEN;',
    '#define GLUE(a, b) a##b\n#if GLUE(__has_inc, lude)("SECRET_FILE")\n#define SEEN true\n#else\n#define SEEN nothing\n#endif',
  ),
  'a pragma that looks at a file': root('return nothing;', '#pragma GCC dependency "SECRET_FILE"'),
  'a pragma in the other spelling': root('return nothing;', '_Pragma("GCC dependency \\"SECRET_FILE\\"")'),
  'a module': root('return true;', '#pragma clang module load secret'),
  'a function of the C library': root(
    'return getenv("WASMPAY_TEST_SECRET") != NULL;',
    'char *getenv(const char *);',
  ),
};

let bed: AttackBed;
let toolchain: CToolchain;
beforeAll(async () => {
  bed = await openAttackBed('c', 'validator.c');
  toolchain = await findC();
});
afterAll(() => bed[Symbol.asyncDispose]());

describe.each([true, false])('a source in C, confined: %s', (confined) => {
  it.each(Object.keys(ATTACKS))('gets nothing of the machine by %s', async (name) => {
    const outcome = await bed.build(ATTACKS[name] as Attack, { confined });
    expect(outcome).toMatchObject({ hasSecret: false });
    expect(['source_invalid', 'build_failed'], outcome.message).toContain(outcome.code);
  });

  it('builds without them', async () => {
    const sources = {
      files: {
        ...root('return t->amount.amount > least();', '#include "rules/least.h"\n#include <stdint.h>').files,
        'rules/least.h': '#pragma once\nint64_t least(void);\n',
        'rules/least.c':
          '#include <wasmpay.h>\n#include "least.h"\n/* "it\'s */ int64_t least(void) { return \'"\'; } // "\n',
        Makefile: 'all:\n\tfalse\n',
      },
    };
    expect(await bed.build(sources, { confined })).toMatchObject({
      code: 'built',
      message: (confined ? '' : expect.stringContaining('bwrap')) as string,
    });
  });
});

it.each([
  '#include of an absolute path',
  '#embed',
  'assembly that includes a file',
  '#include, quoted in a message',
])('is attacked with what works on a plain compiler: %s', async (name) => {
  const attack = ATTACKS[name] as Attack;
  const library = new URL('../../src/authoring/c', import.meta.url).pathname;
  const args = [
    '--target=wasm32-unknown-unknown',
    '-ffreestanding',
    `-I${library}`,
    '-DWASMPAY_CONTRACT_0_1_0',
  ];
  const made = await bed.isReal(
    attack,
    'made.o',
    toolchain.clang,
    ...args,
    '-c',
    'validator.c',
    '-o',
    'made.o',
  );
  expect(made).toBe(true);
});

describe('a source in C with faults', () => {
  it.each([
    ['a member that is none', 'return t->sum > 0;', /^validator\.c:4:11: error: no member named 'sum'/m],
    ['a syntax error', 'return true', /^validator\.c:4:12: error: expected ';'/m],
    [
      'a function that is not there',
      'return strtol(0, 0, 0) > 0;',
      /^validator\.c:4:8: error: call to undeclared/m,
    ],
    [
      'a header that is not there',
      'return true;\n#include <stdio.h>',
      /^validator\.c:5:1: #include of stdio\.h/m,
    ],
  ])('is told where, for %s', async (_, body, message) => {
    const outcome = await bed.build(root(body), { confined: true });
    expect(outcome).toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is told what the contract asks for', async () => {
    const none = { files: { 'validator.c': '#include <wasmpay.h>\n' } };
    expect((await bed.build(none, { confined: true })).message).toMatch(
      /^validator\.c:1:1: the contract asks for/m,
    );
    const other = root('return true;');
    const outcome = await bed.build(other, { confined: true, contract: 'wasmpay:platform@0.2.0' });
    expect(outcome.message).toMatch(/^validator\.c:3:6: error: conflicting types for 'validate'/m);
  });

  it('fails as a build for an import that no contract names', async () => {
    const peek = '__attribute__((import_module("env"), import_name("peek"))) int64_t peek(void);';
    const outcome = await bed.build(root('return peek() > 0;', peek), { confined: true });
    expect(outcome).toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('env') as string,
    });
  });
});

it.each(['0.1.0', '0.2.0'])(
  'the template for contract %s builds twice to the same bytes',
  async (contract) => {
    const [first, again] = await buildTemplateTwice('c', contract);
    expect(again).toEqual(first);
  },
);
