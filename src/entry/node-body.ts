// A request's body as Node holds it. The server library copies each body into memory outside V8's heap, which takes as
// long as reading the transaction in it.

import type { HttpBindings } from '@hono/node-server';

/** What `env`'s request received, not copied. Rejects where the caller went away first. Nothing else reads the body. */
export function readNodeBody(_request: Request, env: unknown): Promise<Uint8Array> {
  const { incoming } = env as HttpBindings;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const [first] = chunks;
      resolve(first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks));
    });
    incoming.on('error', reject);
    // Errors are dear: one is made only where nothing else came, or comes any more.
    const rejectUnended = (): void => {
      if (!incoming.readableEnded) reject(new Error('the request was closed'));
    };
    incoming.on('close', rejectUnended);
    if (incoming.destroyed) rejectUnended();
  });
}
