// Chromium without a window, told what to do over its DevTools protocol: no library for it is needed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];
const START_MS = 30_000;

/** What the protocol answers, or tells. */
type Message = Readonly<Record<string, unknown>>;

export interface Browser extends AsyncDisposable {
  /** Calls a method of the protocol on the one page that is open. Rejects with what the browser says is wrong. */
  call(method: string, parameters?: Message): Promise<Message>;
  /** Everything that the browser has told of its own accord, in order. */
  readonly events: readonly { readonly method: string; readonly params: Message }[];
}

/** Starts Chromium; undefined where there is none. Everything that it keeps goes with it. */
export async function startBrowser(): Promise<Browser | undefined> {
  const profile = await mkdtemp(join(tmpdir(), 'wasmpay-browser-'));
  for (const program of PROGRAMS) {
    const child = spawn(
      program,
      [
        '--headless=new',
        '--remote-debugging-port=0',
        `--user-data-dir=${profile}`,
        // Root, as in most containers, has no sandbox; the page is ours.
        '--no-sandbox',
        '--disable-gpu',
        '--hide-scrollbars',
        '--no-first-run',
        '--disable-background-networking',
        'about:blank',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const isStarted = await new Promise<boolean>((resolve) => {
      child.once('spawn', () => resolve(true));
      child.once('error', () => resolve(false));
    });
    if (!isStarted) continue;
    const end = async (): Promise<void> => {
      const exited = child.exitCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await exited;
      // Its helpers may still be writing.
      await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    };
    try {
      return await attach(await addressOf(child.stderr), end);
    } catch (error) {
      await end();
      throw error;
    }
  }
  await rm(profile, { recursive: true, force: true });
  return undefined;
}

async function addressOf(stderr: NodeJS.ReadableStream): Promise<string> {
  const lines = createInterface({ input: stderr, signal: AbortSignal.timeout(START_MS) });
  for await (const line of lines) {
    const address = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (address !== undefined) {
      stderr.resume();
      return address;
    }
  }
  throw new Error('the browser ended before it listened');
}

async function attach(address: string, end: () => Promise<void>): Promise<Browser> {
  const { host } = new URL(address);
  const pages = (await (await fetch(`http://${host}/json/list`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const page = pages.find(({ type }) => type === 'page');
  if (page === undefined) throw new Error('the browser has no page');
  const socket = new WebSocket(page.webSocketDebuggerUrl);
  await once(socket, 'open');
  const events: { method: string; params: Message }[] = [];
  const waiting = new Map<number, { resolve(value: Message): void; reject(error: Error): void }>();
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as {
      id?: number;
      result?: Message;
      error?: { message: string };
      method?: string;
      params?: Message;
    };
    if (message.id === undefined) {
      events.push({ method: message.method ?? '', params: message.params ?? {} });
      return;
    }
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) call?.resolve(message.result ?? {});
    else call?.reject(new Error(message.error.message));
  });
  let lastId = 0;
  return {
    events,
    call(method, params = {}) {
      lastId += 1;
      const id = lastId;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      await end();
    },
  };
}
