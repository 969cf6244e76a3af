// wasi:filesystem: there are no directories, so there is nothing to open.

import { createInertInterface } from '../capability-denied.ts';
import type { GuestState } from '../guest-state.ts';

export function createPreopens(state: GuestState): object {
  return createInertInterface(state, 'wasi:filesystem/preopens', { getDirectories: () => [] });
}

export function createFilesystemTypes(state: GuestState): object {
  return createInertInterface(state, 'wasi:filesystem/types', { filesystemErrorCode: () => undefined });
}
