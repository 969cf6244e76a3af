// Rust: what a source may not do to the machine that builds it, and that both contracts build to the same bytes.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { findRust, type RustToolchain } from '../../src/authoring/rust-toolchain.ts';
import { openAttackBed, type Attack, type AttackBed } from './attack-bed.ts';
import { buildTemplateTwice } from './template-bed.ts';

const root = (body: string, before = ''): Attack => ({
  files: {
    'src/lib.rs': `#![no_std]\n${before}\nuse wasmpay::Transaction;\npub fn validate(t: &Transaction) -> bool {\n${body}\n}\n`,
  },
});

/** A byte of the text decides, so that no compiler leaves it out. */
const keep = (text: string): string =>
  `let s: &'static str = ${text}; s.as_bytes()[(t.amount.amount as usize) % s.len()] > 64`;

const ATTACKS: Readonly<Record<string, Attack>> = {
  'include_str! of an absolute path': root(keep('include_str!("SECRET_FILE")')),
  'include_str! up and out of the folder': root(keep('include_str!("../../../../../../../../SECRET_FILE")')),
  'include_bytes!': root('include_bytes!("SECRET_FILE")[(t.amount.amount as usize) % 20] > 64'),
  'include! as an expression': root(keep('include!("SECRET_FILE")')),
  'include! as items, quoted in the message': root('true', 'include!("SECRET_FILE");'),
  'a module at an absolute path': root('true', '#[path = "SECRET_FILE"]\nmod secret;'),
  'a module at an absolute path, by cfg_attr': root(
    'true',
    '#[cfg_attr(all(), path = "SECRET_FILE")]\nmod secret;',
  ),
  'a macro that is given the reader by name': root(
    keep('read!(include_str)'),
    'macro_rules! read { ($reader:ident) => { $reader!("SECRET_FILE") } }',
  ),
  'the reader under another name': root(keep('quiet!("SECRET_FILE")'), 'use core::include_str as quiet;'),
  'a comment between name and mark': root(keep('include /* */ ! ("SECRET_FILE")')),
  'compile_error! that repeats a file': root('true', 'compile_error!(include_str!("SECRET_FILE"));'),
  'env! of a variable': root(keep('env!("WASMPAY_TEST_SECRET")')),
  'option_env! of a variable': root(keep('option_env!("WASMPAY_TEST_SECRET").unwrap_or("none")')),
  'env! of the path': root(keep('env!("PATH")')),
  'env! of the folder for temporary files': root(keep('env!("TMPDIR")')),
  'a link in the folder': {
    files: root(keep('include_str!("linked.rs")')).files,
    links: { 'src/linked.rs': 'SECRET_FILE' },
  },
  'assembly that includes a file': root('true', 'core::arch::global_asm!(".incbin \\"SECRET_FILE\\"");'),
  'a static library of the machine': root(
    'unsafe { getpid() > 0 }',
    '#[link(name = "c", kind = "static")]\nunsafe extern "C" { fn getpid() -> i32; }',
  ),
  'a crate that is a macro': {
    files: { 'src/lib.rs': '#![no_std]\n#![crate_type = "proc-macro"]\nextern crate proc_macro;\n' },
  },
  'an unstable feature': root('true', '#![feature(asm_experimental_arch)]'),
};

let bed: AttackBed;
let toolchain: RustToolchain;
beforeAll(async () => {
  bed = await openAttackBed('rust', 'src/lib.rs');
  toolchain = await findRust();
  // Makes the libraries, where that is how it is done.
  await bed.build(root('true'), { confined: true });
});
afterAll(() => bed[Symbol.asyncDispose]());

describe.each([true, false])('a source in Rust, confined: %s', (confined) => {
  it.each(Object.keys(ATTACKS))('gets nothing of the machine by %s', async (name) => {
    const outcome = await bed.build(ATTACKS[name] as Attack, { confined });
    expect(outcome).toMatchObject({ hasSecret: false });
    expect(['source_invalid', 'build_failed'], outcome.message).toContain(outcome.code);
  });

  it('may read nothing but itself, where the compiler could', async () => {
    // A file of the system's libraries, which the compiler sees in its confinement.
    const library = await bed.build(root(keep('include_str!("/usr/lib/os-release")')), { confined });
    expect(library.code).toBe('source_invalid');
    const variable = await bed.build(root('option_env!("TMPDIR").is_some()'), { confined });
    expect(variable.code).toBe('source_invalid');
    if (!confined) return;
    expect(library.message).toContain('reads /usr/lib/os-release, which is none of');
    expect(variable.message).toContain('asks for the variable TMPDIR');
  });

  it('builds without them', async () => {
    expect(await bed.build(root('t.amount.amount > 0'), { confined })).toMatchObject({ code: 'built' });
  });

  it('runs no build script, manifest or configuration of the author', async () => {
    const ran = join(bed.secretFile, '../ran-by-cargo');
    const outcome = await bed.build(
      {
        files: {
          ...root('true').files,
          'build.rs': `fn main() { std::fs::write("${ran}", "ran").unwrap(); }`,
          'Cargo.toml': '[package]\nname = "x"\nversion = "1.0.0"\nbuild = "build.rs"\n',
          '.cargo/config.toml': `[build]\nrustc-wrapper = "${ran}.sh"\n`,
          'rust-toolchain.toml': '[toolchain]\npath = "/tmp"\n',
        },
      },
      { confined },
    );
    expect(outcome).toMatchObject({ code: 'built', hasSecret: false });
    expect(existsSync(ran)).toBe(false);
  });
});

it('is attacked with what works on a plain compiler', async () => {
  const plain = ['--crate-type', 'lib', '--emit', 'metadata,llvm-ir', '-o', 'made', 'src/lib.rs'];
  const real = {
    files: {
      'src/lib.rs':
        '#![no_std]\npub static S: &str = include_str!("SECRET_FILE");\npub static E: &str = env!("WASMPAY_TEST_SECRET");\n',
    },
  };
  expect(await bed.isReal(real, 'made.ll', toolchain.rustc, ...plain)).toBe(true);
  const quoting = { files: { 'src/lib.rs': '#![no_std]\ninclude!("SECRET_FILE");\n' } };
  expect(await bed.isReal(quoting, 'made.ll', toolchain.rustc, ...plain)).toBe(true);
});

describe('a source in Rust with faults', () => {
  it.each([
    ['a type error', 't.amount.amount', /^src\/lib\.rs:5:1: E0308: mismatched types/m],
    ['a member that is none', 't.sum > 0', /^src\/lib\.rs:5:3: E0609: no field/m],
    ['a syntax error', 't.amount.amount >', /^src\/lib\.rs:6:1: error: expected expression/m],
    ['the standard library', 'std::fs::read("x").is_ok()', /^src\/lib\.rs:5:1: E0433/m],
  ])('is told where, for %s', async (_, body, message) => {
    const outcome = await bed.build(root(body), { confined: true });
    expect(outcome).toMatchObject({
      code: 'source_invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('is told what the contract asks for', async () => {
    const files = { 'src/lib.rs': '#![no_std]\npub fn check() -> bool { true }\n' };
    const outcome = await bed.build({ files }, { confined: true, contract: 'wasmpay:platform@0.2.0' });
    expect(outcome.message).toMatch(
      /^src\/lib\.rs:1:1: the contract asks for `pub fn validate\(.*-> Verdict`/m,
    );
  });

  it('is told to begin with no_std', async () => {
    const outcome = await bed.build({ files: { 'src/lib.rs': 'fn main() {}\n' } }, { confined: true });
    expect(outcome.message).toMatch(/^src\/lib\.rs:1:1: begin it with #!\[no_std\]/m);
  });

  it('fails as a build for an import that no contract names', async () => {
    const peek = '#[link(wasm_import_module = "env")]\nunsafe extern "C" { fn peek() -> i64; }';
    const outcome = await bed.build(root('unsafe { peek() > 0 }', peek), { confined: true });
    expect(outcome).toMatchObject({
      code: 'build_failed',
      message: expect.stringContaining('env') as string,
    });
  });
});

it.each(['0.1.0', '0.2.0'])(
  'the template for contract %s builds twice to the same bytes',
  async (contract) => {
    const [first, again] = await buildTemplateTwice('rust', contract);
    expect(again).toEqual(first);
  },
);
