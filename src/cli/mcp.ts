// `wasmpay mcp`: a Model Context Protocol server with which an agent writes validators. On standard input and output, or over
// HTTP on loopback. It publishes to one target and activates nothing, unless the person who starts it says so.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { getRequestListener } from '@hono/node-server';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

import { WasmpayError } from '../core/error.ts';
import { createToolSet, type ToolSet } from './mcp/tools.ts';
import { activationFor } from './next-command.ts';
import { parseOptions, readPolicy } from './options.ts';
import { parsePort } from './port.ts';
import { DESK_OPTIONS, openDesk, parseBank } from './target.ts';
import { parseTerms, TERM_OPTIONS } from './terms.ts';
import { printProgress } from './terminal.ts';

const USAGE = `wasmpay mcp [TARGET] [--bank BANK]... [--http PORT] [--allow-activate] [the options of publish]
  A Model Context Protocol server for agents that write validators: on standard input and output, or over HTTP at /mcp on
  this machine with --http (0 for any port). Tools read the contract, build, inspect, test, explain and publish; what was
  published waits for "wasmpay activate". --bank names the banks that agents may publish to; --allow-activate, which needs it,
  lets them release to those as well.`;

/** The command for main.ts. */
export const mcpCommand = { usage: USAGE, run: runMcp };

async function runMcp(args: readonly string[]): Promise<number> {
  const { options } = parseOptions(args, [], {
    ...DESK_OPTIONS,
    ...TERM_OPTIONS,
    http: { type: 'string' },
    bank: { type: 'string', multiple: true },
    'allow-activate': { type: 'boolean', default: false },
  });
  const named = options['bank'] as unknown as readonly string[] | undefined;
  const allowActivate = options['allow-activate'] === true;
  if (allowActivate && named === undefined)
    throw new WasmpayError(
      'usage',
      '--allow-activate goes with --bank: else an agent could change the rules of any bank',
    );
  const tools = createToolSet({
    openDesk: () => openDesk(options),
    policy: await readPolicy(options['policy'] as string | undefined),
    terms: parseTerms(options),
    activationOf: (bank, artifact) => activationFor(bank, artifact, args),
    banks: named === undefined ? undefined : new Set(named.map(parseBank)),
    allowActivate,
  });
  const port = options['http'] as string | undefined;
  await (port === undefined ? serveInput(tools) : serveHttp(tools, parsePort(port, '--http')));
  return 0;
}

/** Until standard input ends. */
async function serveInput(tools: ToolSet): Promise<void> {
  const ended = new Promise<void>((resolve) => process.stdin.once('close', resolve));
  const serving = serveStdio(() => tools.createServer(), { onerror: report });
  await ended;
  await serving.close();
}

/** Until a signal. A page in a browser of this machine must not get in: both its host and its origin would tell. */
async function serveHttp(tools: ToolSet, port: number): Promise<void> {
  const handler = createMcpHandler(() => tools.createServer(), { onerror: report });
  const answer = getRequestListener((request) => {
    const refused =
      hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
      originValidationResponse(request, localhostAllowedOrigins());
    if (refused !== undefined) return refused;
    if (new URL(request.url).pathname !== '/mcp') return new Response(null, { status: 404 });
    return handler.fetch(request);
  });
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new WasmpayError('usage', `--http: cannot listen on port ${port}: ${cause.code ?? cause.message}`),
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  printProgress(`wasmpay mcp  http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`);
  await new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
  });
  await handler.close();
  server.close();
  server.closeAllConnections();
}

/** Never to standard output, which is the protocol's. */
function report(error: Error): void {
  printProgress(`wasmpay mcp: ${error.message}`);
}
