// `npm start`: the gateway in workerd with an R2 of its own on this machine, the example banks published into it, and
// a control port through which `wasmpay publish` reaches that R2. Everything listens on loopback only.

import { createServer } from 'node:net';

import { WasmpayError } from '../core/error.ts';
import { devDirectory } from '../store/dev-store.ts';
import { startControlPort } from './dev-control-port.ts';
import { openDevDirectory } from './dev-directory.ts';
import { publishExamples } from './dev-examples.ts';
import { startDevGateway } from './dev-gateway.ts';

/** How often the examples' releases are looked at, so that a gateway that runs for weeks does not see them expire. */
const RENEW_EVERY_MS = 60 * 60 * 1000;

try {
  await start(parsePort(process.env['PORT']));
} catch (error) {
  if (!(error instanceof WasmpayError)) throw error;
  console.error(`\nwasmpay: ${error.message}`);
  process.exitCode = 1;
}

async function start(port: number): Promise<void> {
  // In this order: who starts twice is told so, and not to take another port.
  const directory = await openDevDirectory(devDirectory(process.env));
  await assertPortIsFree(port);
  console.log('wasmpay: starting workerd …');
  await using gateway = await startDevGateway(directory);
  await publishExamples(gateway.store, directory);
  await gateway.listen(port);
  await using control = await startControlPort({ store: gateway.store, directory });
  console.log(welcome(port, control.url));
  setInterval(() => {
    publishExamples(gateway.store, directory).catch((error: unknown) =>
      console.error(`wasmpay: ${String(error)}`),
    );
  }, RENEW_EVERY_MS).unref();
  // miniflare ends the process on a signal, and what has to go then goes in exit handlers (dev-directory).
  await untilInterrupted();
}

function parsePort(text: string | undefined): number {
  if (text === undefined || text === '') return 8787;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new WasmpayError('config_invalid', `PORT is ${JSON.stringify(text)}; it is a number from 1 to 65535`);
}

/** Throws `config_invalid` where another program listens on the port. */
async function assertPortIsFree(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be used (${cause.code})`;
      const message = `port ${port} ${reason}; choose another: PORT=${port === 65_535 ? port - 1 : port + 1} npm start`;
      reject(new WasmpayError('config_invalid', message, { cause }));
    });
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });
}

function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}

function welcome(port: number, controlUrl: string): string {
  const curl = (host: string, path: string, file: string): string =>
    `  curl http://${host}:${port}${path} -H 'content-type: application/json' --data @examples/transactions/${file}`;
  return `
wasmpay gateway  http://localhost:${port}  (loopback only, and open: no API keys on this machine)
control port     ${controlUrl}  (what \`npx wasmpay publish\` talks to)

Try, in another terminal:
${curl('icamer.localhost', '/v1/validate', 'icamer-usd.json')}
${curl('icamer.localhost', '/v1/validate', 'icamer-eur.json')}
${curl('localhost', '/v1/banks/nordhaven/validate', 'nordhaven-usd.json')}
${curl('meridian.localhost', '/v1/validate', 'meridian-eur.json')}

Edit examples/validators/icamer-assemblyscript/validator.ts, publish it, and ask again:
  npm run build:examples && npx wasmpay publish icamer build/validators/icamer-assemblyscript.wasm

Ctrl-C stops the gateway; releases are kept for the next start.`;
}
