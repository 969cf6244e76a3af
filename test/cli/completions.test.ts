// Completions: they know every command and option that help knows.

import { spawnSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { runCommand } from './command.ts';

describe('wasmpay completions', () => {
  it('gives bash a script that completes commands and options', async () => {
    const { code, stdout } = await runCommand(['completions', 'bash']);
    expect(code).toBe(0);
    const complete = (...words: string[]): string[] => {
      const script = `${stdout}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})\nCOMP_CWORD=${words.length - 1}\n_wasmpay\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
      const { status, stdout: replies } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
      expect(status).toBe(0);
      return replies.trim().split('\n');
    };
    expect(complete('wasmpay', 'te')).toEqual(['test']);
    expect(complete('wasmpay', 'test', '--j')).toEqual(['--json', '--junit']);
    expect(complete('wasmpay', 'publish', '--no-a')).toEqual(['--no-activate']);
    expect(complete('wasmpay', 'keys', 'rot')).toEqual(['rotate']);
  });

  it.each(['zsh', 'fish'])('gives %s every command', async (shell) => {
    const { code, stdout } = await runCommand(['completions', shell]);
    expect(code).toBe(0);
    for (const name of ['new', 'build', 'test', 'bench', 'dev', 'publish', 'rollback'])
      expect(stdout).toContain(name);
    expect(stdout).toContain('junit');
  });

  it('knows the shells that it knows', async () => {
    const { code, stderr } = await runCommand(['completions', 'tcsh']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('bash, zsh, fish')]);
  });
});
