// `node scripts/generated-client.ts`: what a public generator (openapi-typescript) makes of the gateway's OpenAPI document
// types a client (openapi-fetch) end to end: one that is right compiles and gets its decisions, and each of its mistakes
// is an error of TypeScript. The packages, pinned, are installed in build/client and are none of the project's own.

import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ROOT, startDocumentedGateway } from './openapi/gateway.ts';

/** openapi-typescript wants TypeScript 5. */
const PACKAGES = ['openapi-typescript@7.13.0', 'openapi-fetch@0.17.0', 'typescript@5.9.3'];

const DIRECTORY = join(ROOT, 'build/client');

/** `@ts-expect-error` is an error itself where the next line is right. */
const CLIENT = `
import createClient from 'openapi-fetch';
import type { components, paths } from './openapi.d.ts';

const [baseUrl = '', key = ''] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${key}\` } });

const transaction: components['schemas']['Transaction'] = {
  id: 'txn_1',
  origin: { id: 'bank_001', name: 'First', country: 'USA', currency: 'USD' },
  destination: { id: 'icamer', name: 'Icamer', country: 'GBR', currency: 'GBP' },
  amount: { name: 'US Dollar', symbol: '$', amount: '9223372036854775807' },
  status: 'pending',
};

const { data } = await client.POST('/v1/validate', { body: transaction });
if (data === undefined) throw new Error('there is no decision');
const decision: 'approve' | 'deny' = data.decision;
const de39: string | undefined = data.reason?.de39;
console.log('validate', decision, data.decided_by, de39 ?? '');

const params = { path: { bank: 'nobody' } };
const { error, response } = await client.POST('/v1/banks/{bank}/validate', { params, body: transaction });
if (error === undefined) throw new Error('there is no problem');
if (error.code !== 'bank_mismatch') throw new Error(error.code);
console.log('validateAtBank', response.status, error.errors?.[0]?.pointer);

const health = await client.GET('/healthz');
console.log('health', health.data?.status);

export async function mistakes(): Promise<void> {
  // @ts-expect-error there is no such path
  await client.POST('/v1/validat', { body: transaction });
  // @ts-expect-error it is a POST
  await client.GET('/v1/validate');
  // @ts-expect-error the bank is missing
  await client.POST('/v1/banks/{bank}/validate', { body: transaction });
  const { status, ...incomplete } = transaction;
  // @ts-expect-error the status is missing
  await client.POST('/v1/validate', { body: incomplete });
  // @ts-expect-error an amount is no boolean
  await client.POST('/v1/validate', { body: { ...transaction, amount: { name: '', symbol: '', amount: true } } });
  // @ts-expect-error there is no such decision
  if (decision === 'maybe') return;
  // @ts-expect-error there is no such problem
  if (error?.code === 'no_such_code') return;
}
`;

await mkdir(DIRECTORY, { recursive: true });
await writeFile(join(DIRECTORY, 'package.json'), '{"private":true,"type":"module"}');
await writeFile(join(DIRECTORY, 'ask.ts'), CLIENT);
run('npm', ['install', '--no-fund', '--no-audit', '--no-save', '--ignore-scripts', ...PACKAGES]);
{
  await using gateway = await startDocumentedGateway();
  const document = await fetch(`${gateway.url}/openapi.json`);
  await writeFile(join(DIRECTORY, 'openapi.json'), await document.text());
  run('node_modules/.bin/openapi-typescript', ['openapi.json', '--output', 'openapi.d.ts']);
  const options = ['--strict', '--target', 'es2024', '--module', 'nodenext', '--allowImportingTsExtensions'];
  run('node_modules/.bin/tsc', [...options, '--noEmit', '--types', 'node', '--skipLibCheck', 'ask.ts']);
  run(process.execPath, ['ask.ts', gateway.url, gateway.apiKey]);
}
console.log('generated client: compiles, and asks');

/** Throws where a program ends with another code than 0. */
function run(program: string, args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { cwd: DIRECTORY, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
}
