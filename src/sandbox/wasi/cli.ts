// wasi:cli: standard streams that lead nowhere but to the author, and an environment in which there is nothing.

import { createInertInterface } from '../capability-denied.ts';
import type { GuestState } from '../guest-state.ts';
import { createResource } from './io.ts';

// A new stream each time it is asked for: a guest that drops one still has the others.

export const createStdin = (state: GuestState): object => ({
  getStdin: () => createResource(state, 'InputStream'),
});

export const createStdout = (state: GuestState): object => ({
  getStdout: () => createResource(state, 'OutputStream'),
});

export const createStderr = (state: GuestState): object => ({
  getStderr: () => createResource(state, 'OutputStream'),
});

export function createEnvironment(state: GuestState): object {
  return createInertInterface(state, 'wasi:cli/environment', {
    getEnvironment: () => [],
    getArguments: () => [],
    initialCwd: () => undefined,
  });
}

/** Leaving early is no answer: it ends the call as any other trap does. */
export const createExit = (state: GuestState): object => createInertInterface(state, 'wasi:cli/exit');

export const createTerminalInput = (state: GuestState): object =>
  createInertInterface(state, 'wasi:cli/terminal-input');

export const createTerminalOutput = (state: GuestState): object =>
  createInertInterface(state, 'wasi:cli/terminal-output');

/** No standard stream is a terminal. */
export const createTerminalStdin = (): object => ({ getTerminalStdin: () => undefined });
export const createTerminalStdout = (): object => ({ getTerminalStdout: () => undefined });
export const createTerminalStderr = (): object => ({ getTerminalStderr: () => undefined });
