// Where credentials come from, and that no error shows them or what was signed with them.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createS3Store, type S3StoreOptions } from '../../src/store/s3.ts';
import { ACCESS_KEY, SECRET_KEY, startS3Server, type S3Fault } from '../fixtures/s3-server.ts';
import { text } from './contract.ts';

const server = await startS3Server();
const directory = await mkdtemp(join(tmpdir(), 'wasmpay-credentials-'));
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const environment = { ...process.env };
beforeEach(() => {
  server.reset();
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = join(directory, 'none');
  process.env['AWS_CONFIG_FILE'] = join(directory, 'none');
});
afterEach(() => {
  process.env = { ...environment };
});

const { location, retryDelayMs = 1 } = server.options;
const fromChain: S3StoreOptions = { location, retryDelayMs };
const keyOf = (authorization = '') => /Credential=([^/]+)\//.exec(authorization)?.[1];

async function errorOf(options: S3StoreOptions): Promise<Error> {
  const error: unknown = await createS3Store(options)
    .get('k')
    .catch((cause: unknown) => cause);
  if (!(error instanceof Error)) throw new Error('it was answered');
  return error;
}

/** Everything that a log could show of an error, hidden members and causes included. */
const shown = (error: Error): string =>
  inspect(error, { depth: Infinity, showHidden: true }) + (error.stack ?? '');

describe('credentials', () => {
  it('are those that were given, with their session', async () => {
    process.env['AWS_ACCESS_KEY_ID'] = 'of-the-environment';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'x';
    const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY, sessionToken: 'session' };
    expect(await createS3Store({ ...fromChain, credentials }).get('k')).toEqual({ kind: 'missing' });
    expect(keyOf(server.requests[0]?.headers.authorization)).toBe(ACCESS_KEY);
    expect(server.requests[0]?.headers['x-amz-security-token']).toBe('session');
  });

  it('are those of the environment', async () => {
    process.env['AWS_ACCESS_KEY_ID'] = ACCESS_KEY;
    process.env['AWS_SECRET_ACCESS_KEY'] = SECRET_KEY;
    expect(await createS3Store(fromChain).get('k')).toEqual({ kind: 'missing' });
  });

  it('are those of a file', async () => {
    const file = join(directory, 'credentials');
    await writeFile(
      file,
      `[default]\naws_access_key_id = ${ACCESS_KEY}\naws_secret_access_key = ${SECRET_KEY}\n`,
    );
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = file;
    expect(await createS3Store(fromChain).get('k')).toEqual({ kind: 'missing' });
  });

  it('are those of a process', async () => {
    const answer = JSON.stringify({ Version: 1, AccessKeyId: ACCESS_KEY, SecretAccessKey: SECRET_KEY });
    await writeFile(join(directory, 'answer'), answer);
    const file = join(directory, 'process');
    await writeFile(file, `[profile test]\ncredential_process = cat ${join(directory, 'answer')}\n`);
    process.env['AWS_CONFIG_FILE'] = file;
    process.env['AWS_PROFILE'] = 'test';
    expect(await createS3Store(fromChain).get('k')).toEqual({ kind: 'missing' });
  });

  it('that cannot be had are an outage, sent nowhere, and the error does not show the process that failed', async () => {
    const file = join(directory, 'failing-process');
    await writeFile(file, `[profile failing]\ncredential_process = sh -c "echo ${SECRET_KEY} >&2; exit 1"\n`);
    process.env['AWS_CONFIG_FILE'] = file;
    process.env['AWS_PROFILE'] = 'failing';
    const error = await errorOf(fromChain);
    expect(error).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/credentials/) as unknown,
    });
    expect(shown(error)).not.toContain(SECRET_KEY);
    expect(server.requests).toEqual([]);
  });

  it.each([
    [
      'a store that repeats what was signed',
      {
        kind: 'answer',
        status: 403,
        body: `<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>${ACCESS_KEY}</AWSAccessKeyId><StringToSign>${SECRET_KEY}</StringToSign><Message>${SECRET_KEY}</Message></Error>`,
      },
    ],
    [
      'a store that makes a code of it',
      { kind: 'answer', status: 403, body: `<Error><Code>${SECRET_KEY}</Code></Error>` },
    ],
    ['a store that answers no XML', { kind: 'answer', status: 400, body: `<${SECRET_KEY}` }],
    ['a page that makes no sense', { kind: 'answer', status: 200, headers: { 'last-modified': SECRET_KEY } }],
    ['an outage', { kind: 'reset' }],
  ] satisfies [string, S3Fault][])('are not shown by the error of %s', async (_, fault) => {
    server.fault = () => fault;
    const store = createS3Store(server.options);
    for (const ask of [
      () => store.get('k'),
      () => store.put('k', text('x'), { kind: 'absent' }),
      () => store.list({ prefix: '' }),
      // A deletion is believed for its status.
      ...(fault.kind === 'answer' && fault.status === 200 ? [] : [() => store.delete('k')]),
    ]) {
      const error: unknown = await ask().catch((cause: unknown) => cause);
      expect(error).toMatchObject({ code: 'store_unavailable' });
      expect(shown(error as Error)).not.toContain(SECRET_KEY);
      expect(shown(error as Error)).not.toContain(ACCESS_KEY);
    }
  });
});
