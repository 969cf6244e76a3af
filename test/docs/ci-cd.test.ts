// docs/ci-cd.md: every command of its workflows is run as it stands there, over a store in a folder, by the real command. What
// GitHub brings is played: its variables, and a checkout.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { generateReleaseKeys, parseSigningKey } from '../../src/artifact/release-keys.ts';
import { parseReleasesFile } from '../../src/cli/apply/releases-file.ts';
import { createFilesystemStore } from '../../src/store/filesystem.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'docs/ci-cd.md'), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  text,
}));
const yaml = blocks.filter(({ language }) => language === 'yaml').map(({ text }) => text);
const [validatorWorkflow = '', releasesFile = '', releasesWorkflow = ''] = yaml;
const workflows = { validatorWorkflow, releasesWorkflow };

/** The text of a job of a workflow. */
function jobOf(workflow: string, job: string): string {
  const found = new RegExp(`^ {2}${job}:\\n((?: {4}.*\\n|\\n)*)`, 'm').exec(workflow)?.[1];
  if (found === undefined) throw new Error(`there is no job ${job}`);
  return found;
}

/** Its commands, in their order, each with whether it gets the signing key. */
function stepsOf(workflow: string, job: string): { command: string; hasKey: boolean }[] {
  return jobOf(workflow, job)
    .split(/^ {6}- /m)
    .slice(1)
    .flatMap((step) => {
      const [, style, text = ''] = /^run: (\||>-)?([^]*?)(?=\n {8}\w|(?![^]))/.exec(step) ?? [];
      if (!step.startsWith('run:')) return [];
      const lines = text.split('\n').map((line) => line.replace(/^ {10}/, ''));
      const command =
        style === '|'
          ? lines.join('\n')
          : lines
              .map((line) => line.trim())
              .join(' ')
              .trim();
      return [{ command, hasKey: step.includes('WASMPAY_SIGNING_KEY: ${{ secrets.WASMPAY_SIGNING_KEY }}') }];
    });
}

let folder = '';
let privateKey = '';
let keyId = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wasmpay-recipes-'));
  const keys = await generateReleaseKeys();
  privateKey = JSON.stringify(keys.private);
  ({ keyId } = await parseSigningKey(privateKey));
  await mkdir(join(folder, 'bin'));
  const program = async (name: string, text: string): Promise<void> => {
    await writeFile(join(folder, 'bin', name), text);
    await chmod(join(folder, 'bin', name), 0o755);
  };
  const node = process.execPath;
  await program(
    'npx',
    `#!/bin/sh\n[ "$1" = wasmpay ] || exit 9\nshift\nexec '${node}' '${ROOT}/bin/wasmpay.js' "$@"\n`,
  );
  await program('npm', '#!/bin/sh\n[ "$*" = ci ]\n');
  // What stands before a KMS.
  await writeFile(
    join(folder, 'sign.mjs'),
    `import { createPrivateKey, sign } from 'node:crypto';
     const key = createPrivateKey({ format: 'jwk', key: ${privateKey} });
     const chunks = [];
     for await (const chunk of process.stdin) chunks.push(chunk);
     process.stdout.write(sign(null, Buffer.concat(chunks), key).toString('base64url'));`,
  );
  await program('kms-sign', `#!/bin/sh\nexec '${node}' '${folder}/sign.mjs'\n`);
  await mkdir(join(folder, 'checkout'));
  await writeFile(join(folder, 'checkout/trusted-keys.json'), JSON.stringify({ keys: [keys.public] }));
  await writeFile(join(folder, 'checkout/releases.yaml'), releasesFile);
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a command as a step of a job; fails where it ends with another code. */
async function step(command: string, { hasKey = false, code = 0 } = {}): Promise<string> {
  const audience = /^ {2}AUDIENCE: (\S+)$/m.exec(validatorWorkflow)?.[1];
  const env = {
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    HOME: process.env['HOME'],
    STORE: `file:${join(folder, 'store')}`,
    AUDIENCE: audience,
    KEY_ID: keyId,
    GITHUB_STEP_SUMMARY: join(folder, 'summary.md'),
    ...(hasKey && { WASMPAY_SIGNING_KEY: privateKey }),
  };
  return new Promise((resolve, reject) => {
    execFile(
      'bash',
      ['-e', '-c', command],
      { cwd: join(folder, 'checkout'), env },
      (error, stdout, stderr) => {
        const ended = error === null ? 0 : Number(error.code);
        if (ended === code) resolve(stdout);
        else reject(new Error(`${command}\nended with ${ended}\n${stdout}${stderr}`));
      },
    );
  });
}

async function runJob(workflow: string, job: string): Promise<void> {
  const steps = stepsOf(workflow, job);
  expect(steps.length).toBeGreaterThan(2);
  for (const { command, hasKey } of steps) await step(command, { hasKey });
}

const store = () => createFilesystemStore(join(folder, 'store'));
const keysInStore = async (): Promise<string[]> =>
  (await store().list({ prefix: '' })).objects.map(({ key }) => key);

async function show(bank: string): Promise<Record<string, unknown>> {
  const target = '--store "$STORE" --audience "$AUDIENCE" --trusted-keys trusted-keys.json';
  return JSON.parse(await step(`npx wasmpay show ${bank} ${target} --json`)) as Record<string, unknown>;
}

describe('the workflows', () => {
  it.each(Object.entries(workflows))(
    '%s: read the repository, and pin what they use by commit',
    (_, text) => {
      expect(text).toMatch(/^permissions:\n {2}contents: read\n\w/m);
      const used = [...text.matchAll(/uses: (.*)$/gm)].map(([, name]) => name);
      expect(used.length).toBeGreaterThan(0);
      for (const name of used) expect(name).toMatch(/^actions\/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
      expect(text).not.toContain('pull_request_target:');
      expect([...text.matchAll(/runs-on/g)]).toHaveLength([...text.matchAll(/timeout-minutes/g)].length);
    },
  );

  it('give the signing key to steps on main that do nothing but release', () => {
    for (const [text, job] of [
      [validatorWorkflow, 'test'],
      [validatorWorkflow, 'propose'],
      [releasesWorkflow, 'compare'],
    ] as const)
      expect(jobOf(text, job)).not.toContain('SIGNING_KEY');
    for (const [text, job] of [
      [validatorWorkflow, 'release'],
      [releasesWorkflow, 'apply'],
    ] as const) {
      expect(jobOf(text, job)).toMatch(/if: github\.event_name == 'push'\n/);
      expect(jobOf(text, job)).toContain('environment: production');
      const keyed = stepsOf(text, job).filter(({ hasKey }) => hasKey);
      expect(keyed.map(({ command }) => command.split(' ').slice(0, 3).join(' '))).toHaveLength(1);
      expect(keyed[0]?.command).toMatch(/^npx wasmpay (?:activate|apply) /);
    }
    expect(jobOf(validatorWorkflow, 'test')).not.toContain('secrets.');
  });
});

describe('the commands, in the order in which a repository comes to them', () => {
  it('a new validator', async () => {
    const command = /^ {4}(npx wasmpay new .*)$/m.exec(page)?.[1] ?? '';
    await step(command);
    expect(await readdir(join(folder, 'checkout/validators/icamer'))).toContain('cases.json');
  });

  it('test: builds, inspects and tests, with a report', async () => {
    await runJob(validatorWorkflow, 'test');
    expect(await readFile(join(folder, 'checkout/report.xml'), 'utf8')).toContain('<testsuite');
    expect(await keysInStore()).toEqual([]);
  });

  it('propose: stores what waits under the keys that are named, without a key that signs', async () => {
    await runJob(validatorWorkflow, 'propose');
    const allowed = /to write ([^]*?), and no other key/.exec(page)?.[1] ?? '';
    const prefixes = [...allowed.matchAll(/`([^`]+)`/g)].map(([, glob = '']) => glob.replace('*', '[^/]+'));
    expect(prefixes.length).toBeGreaterThan(3);
    const keys = await keysInStore();
    expect(keys.some((key) => key.startsWith('banks/icamer/candidates/'))).toBe(true);
    for (const key of keys)
      expect(
        prefixes.some((prefix) => new RegExp(`^${prefix}`).test(key)),
        key,
      ).toBe(true);
  });

  it('release: activates what waited', async () => {
    const [waiting] = (await keysInStore()).filter((key) => key.includes('/candidates/'));
    await runJob(validatorWorkflow, 'release');
    const release = await show('icamer');
    expect(release).toMatchObject({ number: 1, audience: 'pay.example' });
    expect(waiting).toBe(`banks/icamer/candidates/${String(release['artifact']).slice('sha256:'.length)}`);
  });

  it('a key that nobody holds: activates by a command', async () => {
    const [publish] = stepsOf(validatorWorkflow, 'release').filter(({ command }) =>
      command.includes('--no-activate'),
    );
    await step(publish?.command ?? '');
    await step(blocks.find(({ language }) => language === 'sh')?.text ?? '');
    expect(await show('icamer')).toMatchObject({ number: 2, keyId });
  });

  it('the file: is one, and names what the schema and the tables name', () => {
    const { banks } = parseReleasesFile(releasesFile, 'releases.yaml');
    expect(banks.map(({ bankId }) => bankId)).toEqual(['icamer', 'nordhaven']);
  });

  it('compare: shows the changes, and stores nothing', async () => {
    const before = await keysInStore();
    await runJob(releasesWorkflow, 'compare');
    const summary = await readFile(join(folder, 'summary.md'), 'utf8');
    expect(summary).toContain('icamer: would change');
    // As the page shows it.
    expect(page).toContain(summary.replace(/^(?=.)/gm, '    '));
    expect(await keysInStore()).toEqual(before);
  });

  it('compare: fails where a gate is shut', async () => {
    const cases = join(folder, 'checkout/validators/icamer/cases.json');
    const good = await readFile(cases, 'utf8');
    await writeFile(cases, good.replaceAll('"approve"', '"deny"').replaceAll(/"reason": \{[^}]*\},?/g, ''));
    const last = stepsOf(releasesWorkflow, 'compare').at(-1);
    await step(last?.command ?? '', { code: 1 });
    await writeFile(cases, good);
  });

  it('apply: releases what differs, and nothing the second time', async () => {
    await runJob(releasesWorkflow, 'apply');
    expect(await show('icamer')).toMatchObject({ number: 3, fallback: 'refuse' });
    expect(await show('nordhaven')).toMatchObject({ number: 1, validator: 'none' });
    await runJob(releasesWorkflow, 'apply');
    expect(await show('icamer')).toMatchObject({ number: 3 });
  });
});
