// wasi:io: streams that lead nowhere but to the author, and a poll that is inert, since nothing in the sandbox happens
// by itself. The classes belong to one guest instance and hold nothing: whatever a guest does with a stream, the next
// one is the same as the first. (preview2-shim's streams remember that they were closed, and its polls wait.)

import type {
  InputStream as WasiInputStream,
  OutputStream as WasiOutputStream,
} from '@bytecodealliance/preview2-shim/interfaces/wasi-io-streams';

import { createInertInterface, createInertResource } from '../capability-denied.ts';
import { captureOutput, type GuestState } from '../guest-state.ts';

/**
 * Most bytes that one write carries: what `check-write` permits, and the interface's own bound for a blocking write.
 * Enforced by trapping, as the interface prescribes.
 */
export const MAX_WRITE_BYTES = 4096;

/** The resource classes of one guest instance. Glue recognises a resource by its class. */
export interface IoClasses {
  readonly InputStream: new () => object;
  readonly OutputStream: new () => object;
  readonly Pollable: new () => object;
}

const classesOfState = new WeakMap<GuestState, IoClasses>();

/** The classes of an instance, made on first use. */
export function ioClassesOf(state: GuestState): IoClasses {
  const known = classesOfState.get(state);
  if (known !== undefined) return known;
  const Pollable = createInertResource(state, 'wasi:io/poll#Pollable');
  const subscribe = (): never => createResource(state, 'Pollable') as never;
  const write = (bytes: Uint8Array): void => {
    if (bytes.length > MAX_WRITE_BYTES) throw new WebAssembly.RuntimeError('write beyond its permit');
    captureOutput(state, bytes);
  };
  const writeZeroes = (length: bigint): void => {
    if (length > BigInt(MAX_WRITE_BYTES)) throw new WebAssembly.RuntimeError('write beyond its permit');
    write(new Uint8Array(Number(length)));
  };

  const inputMethods: MethodsOf<WasiInputStream> = {
    read: throwClosed,
    blockingRead: throwClosed,
    skip: throwClosed,
    blockingSkip: throwClosed,
    subscribe,
  };
  const outputMethods: MethodsOf<WasiOutputStream> = {
    checkWrite: () => BigInt(MAX_WRITE_BYTES),
    write,
    blockingWriteAndFlush: write,
    writeZeroes,
    blockingWriteZeroesAndFlush: writeZeroes,
    flush: doNothing,
    blockingFlush: doNothing,
    // The only input there is has ended.
    splice: throwClosed,
    blockingSplice: throwClosed,
    subscribe,
  };
  const classes: IoClasses = {
    InputStream: createResourceClass(state, inputMethods),
    OutputStream: createResourceClass(state, outputMethods),
    Pollable,
  };
  classesOfState.set(state, classes);
  return classes;
}

export function createIoError(state: GuestState): object {
  return { Error: createInertResource(state, 'wasi:io/error#Error') };
}

export function createIoStreams(state: GuestState): object {
  const { InputStream, OutputStream } = ioClassesOf(state);
  return { InputStream, OutputStream };
}

export function createIoPoll(state: GuestState): object {
  return createInertInterface(state, 'wasi:io/poll', { Pollable: ioClassesOf(state).Pollable });
}

/**
 * A new resource of one of the instance's classes. Glue numbers it in a table that cannot be set back, so the state
 * remembers that there was one.
 */
export function createResource(state: GuestState, name: keyof IoClasses): object {
  state.movedResource = true;
  return Object.create(ioClassesOf(state)[name].prototype as object) as object;
}

type MethodsOf<T> = { readonly [K in keyof T]: T[K] };

/** A class without a constructor to call and without state, whose resources all have the same `methods`. */
function createResourceClass(state: GuestState, methods: object): new () => object {
  const Resource = createInertResource(state, 'wasi:io/streams');
  Object.defineProperties(Resource.prototype, Object.getOwnPropertyDescriptors(methods));
  return Resource;
}

/** The contract's `stream-error.closed`: glue turns a thrown variant into the error of a result. */
function throwClosed(): never {
  // oxlint-disable-next-line typescript/only-throw-error
  throw { tag: 'closed' };
}

function doNothing(): void {
  // Everything is written at once.
}
