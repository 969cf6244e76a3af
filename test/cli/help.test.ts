// Usage texts: one command's own, what its TARGET stands for, and all of them.

import { describe, expect, it } from 'vitest';

import { runCommand } from './command.ts';

describe('--help', () => {
  it('of a command that takes a TARGET: its usage, and what TARGET stands for', async () => {
    const { code, stdout } = await runCommand(['rollback', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^wasmpay rollback BANK/);
    expect(stdout).toMatch(/^TARGET is nothing/m);
    expect(stdout).not.toContain('wasmpay publish BANK');
  });

  it('of a command that takes none: its usage alone', async () => {
    const { stdout } = await runCommand(['serve', '--help']);
    expect(stdout).toMatch(/^wasmpay serve/);
    expect(stdout).not.toContain('TARGET');
  });

  it('of no command: every usage, and TARGET once', async () => {
    const { stdout } = await runCommand(['--help']);
    for (const name of ['publish', 'rollback', 'disable', 'keys rotate', 'serve'])
      expect(stdout).toMatch(new RegExp(`^wasmpay ${name} `, 'm'));
    expect(stdout.match(/TARGET is nothing/g)).toHaveLength(1);
  });
});

describe('wrong use', () => {
  it('points to the usage of the command, or to all where there is no such command', async () => {
    const wrong = await runCommand(['rollback']);
    expect([wrong.code, /help {2}(.*)$/m.exec(wrong.stderr)?.[1]]).toEqual([2, 'wasmpay rollback --help']);
    const unknown = await runCommand(['unknown']);
    expect([unknown.code, /help {2}(.*)$/m.exec(unknown.stderr)?.[1]]).toEqual([2, 'wasmpay --help']);
  });
});
