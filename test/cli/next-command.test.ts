// The command that a refusal or a waiting publication leads to: complete, and quoted for a shell.

import { describe, expect, it } from 'vitest';

import type { Digest } from '../../src/artifact/digest.ts';
import { activationOf, completeFixes } from '../../src/cli/next-command.ts';
import type { Refusal } from '../../src/publisher/refusal.ts';

const ARTIFACT: Digest = `sha256:${'a'.repeat(64)}`;

const STORE = ['--store', 's3://b?endpoint=http://127.0.0.1:9&region=x', '--audience=pay.example'];

const fixOf = (args: readonly string[], changes: Partial<Refusal> = {}): string | undefined =>
  completeFixes(
    [{ code: 'imports_grew', message: 'm', where: ARTIFACT, fix: 'as it was', ...changes }],
    args,
  )[0]?.fix;

describe('the command that activates', () => {
  it('has every option that the publication had, but for what is its own', () => {
    const args = ['--json', '--strict', '--limit', 'fuel=9', ...STORE, 'icamer', 'a b.wasm', '--no-activate'];
    expect(activationOf(ARTIFACT, args)).toBe(
      `wasmpay activate --strict --limit fuel=9 --store 's3://b?endpoint=http://127.0.0.1:9&region=x' ` +
        `--audience=pay.example icamer ${ARTIFACT}`,
    );
  });

  it('quotes what a shell would take apart', () => {
    expect(activationOf(ARTIFACT, ['icamer', 'f', '--key-command', "sign 'it' $(now)"])).toBe(
      String.raw`wasmpay activate icamer ${ARTIFACT} --key-command 'sign '\''it'\'' $(now)'`,
    );
  });
});

describe('the way out of a version that is held', () => {
  it('compares on the same target without the options of a release, and activates with them', () => {
    const args = ['icamer', 'f.wasm', ...STORE, '--key', 'k.json', '--fallback', 'refuse', '--json'];
    const target = `--store 's3://b?endpoint=http://127.0.0.1:9&region=x' --audience=pay.example --key k.json`;
    expect(fixOf(args)).toBe(
      `Look at it with "wasmpay diff icamer ${ARTIFACT} ${target}"; if that is meant: ` +
        `wasmpay activate icamer ${ARTIFACT} ${target} --fallback refuse --accept-imports`,
    );
  });

  it('takes no key command into the comparison, which signs nothing', () => {
    const keys = ['--key-command', 'sign', '--key-id', 'k', '--trusted-keys', 't.json'];
    const fix = fixOf(['icamer', 'f.wasm', ...STORE, ...keys]) ?? '';
    const [look = '', activate = ''] = fix.split('; ');
    expect(look).toContain('--trusted-keys t.json');
    expect(look).not.toContain('--key-command');
    expect(activate).toContain('--key-command sign --key-id k --trusted-keys t.json');
  });

  it('of any other refusal stays as it was', () => {
    expect(fixOf(['icamer', 'f'], { code: 'release_unknown' })).toBe('as it was');
    expect(fixOf(['icamer', 'f'], { where: 'bank' })).toBe('as it was');
  });
});
