// wasi:io/{error,streams} with the stream classes of preview2-shim, and wasi:io/poll, which is inert: a guest that
// waits would wait for ever, since nothing in the sandbox happens by itself.

import { error, inputStreamCreate, outputStreamCreate, streams } from '@bytecodealliance/preview2-shim/io';

import { createInertInterface, createInertResource } from '../capability-denied.ts';
import { captureOutput, type GuestState } from '../guest-state.ts';

/** What `check-write` permits at once, bytes: what one blocking write of the interface may carry. */
const WRITE_PERMIT_BYTES = 4096n;

export const createIoError = (): object => error;

export const createIoStreams = (): object => streams;

export function createIoPoll(state: GuestState): object {
  return createInertInterface(state, 'wasi:io/poll', { Pollable: pollableClassOf(state) });
}

/** Something to wait for that never comes: a guest can hold and drop it, and is denied when it waits. */
export function createPollable(state: GuestState): object {
  return Object.create(pollableClassOf(state).prototype as object) as object;
}

/** Input that has ended. */
export function createClosedInput(state: GuestState): object {
  return inputStreamCreate({
    blockingRead: throwClosed,
    subscribe: () => createPollable(state),
  } as unknown as Parameters<typeof inputStreamCreate>[0]);
}

/** Output that is kept for the validator's author, up to a cap, and never reaches a processor. */
export function createCapturedOutput(state: GuestState): object {
  return outputStreamCreate({
    checkWrite: () => WRITE_PERMIT_BYTES,
    write: (bytes: Uint8Array) => captureOutput(state, bytes),
    subscribe: () => createPollable(state),
  } as unknown as Parameters<typeof outputStreamCreate>[0]);
}

/** The contract's `stream-error.closed`: glue turns a thrown variant into the error of a result. */
function throwClosed(): never {
  // oxlint-disable-next-line typescript/only-throw-error
  throw { tag: 'closed' };
}

// One class per instance, made on first use: what a class could be made to remember stays with its guest.
const pollableClasses = new WeakMap<GuestState, new () => object>();

function pollableClassOf(state: GuestState): new () => object {
  let pollable = pollableClasses.get(state);
  if (pollable === undefined) {
    pollable = createInertResource(state, 'wasi:io/poll#Pollable');
    pollableClasses.set(state, pollable);
  }
  return pollable;
}
