// What the confined scripts share: their one message in, their one message out, and jco's wasm without its Node shim.
// That shim has files, threads and a native addon; the one for browsers has nothing.

import { registerHooks } from 'node:module';

import { decodeMessage, encodeMessage, type Message } from '../../core/frames.ts';

const SHIM = '@bytecodealliance/preview2-shim';

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith(`${SHIM}/`)) return next(specifier, context);
    const name = specifier.slice(SHIM.length + 1);
    return { url: new URL(`../browser/${name}.js`, import.meta.resolve(SHIM)).href, shortCircuit: true };
  },
});

/** The message on standard input. */
export async function readMessage(): Promise<Message> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const message = decodeMessage(Buffer.concat(chunks));
  if (message === undefined) throw new TypeError('no message on standard input');
  return message;
}

/** Writes the message to standard output. */
export function writeMessage(message: Message): void {
  process.stdout.write(encodeMessage(message));
}

/** The first line of what was thrown: a panic of wasm-tools is a bare `unreachable`. */
export function describeThrown(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return text.split('\n', 1)[0] ?? text;
}
