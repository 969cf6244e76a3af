// Runs wast2json output twice, plain and metered, and says which assertions held. Trusts the files: they are the official
// WebAssembly specification tests.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { meterModule } from '../../../../src/publisher/meter/meter-module.ts';
import { MeterGlobals, MUCH_FUEL } from '../../../fixtures/meter-run.ts';
import { callWithBits, describeBits, equalsExpected, isReference, type SpecValue } from './spec-call.ts';

interface Action {
  readonly type: 'invoke' | 'get';
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly SpecValue[];
}

interface Command {
  readonly type: string;
  readonly line: number;
  readonly name?: string;
  readonly as?: string;
  readonly filename?: string;
  readonly module_type?: string;
  readonly action?: Action;
  readonly expected?: readonly SpecValue[];
  readonly text?: string;
}

/** How the assertions of some files went. */
export interface SpecCounts {
  /** Assertions that say what running gives. */
  assertions: number;
  passedPlain: number;
  passedMetered: number;
  /** Assertions that held plain, about modules that metering refused for a proposal that they use. */
  refused: number;
  /** `file:line` of assertions that held plain and do not hold metered, refused ones apart. */
  lost: string[];
  /** `file:line` of assertions that hold only metered. */
  gained: string[];
  /** Results whose bits differ between plain and metered although both are allowed: NaN payloads. */
  otherBits: number;
  /** Modules that metering refused, by code and message. */
  refusals: Map<string, number>;
  /** Modules that were given to metering, and those of them that a test says are invalid or malformed. */
  modules: number;
  invalidModules: number;
  /** Valid modules whose metered form is not: none is allowed. */
  invalidated: string[];
  /** Invalid modules that came through metering and that the engine then took: what was wrong was dropped. */
  invalidAccepted: string[];
}

const OPTIONS = { maxMemoryPages: 65_536, maxTableElements: 10_000_000, marksWrites: true };

/** Runs every `.json` file of a folder of wast2json output. */
export function runSpecFolder(folder: string): SpecCounts {
  const counts: SpecCounts = {
    assertions: 0,
    passedPlain: 0,
    passedMetered: 0,
    refused: 0,
    lost: [],
    gained: [],
    otherBits: 0,
    refusals: new Map(),
    modules: 0,
    invalidModules: 0,
    invalidated: [],
    invalidAccepted: [],
  };
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.json')) continue;
    const { commands } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { commands: Command[] };
    const plain = new Script(folder, undefined);
    const metered = new Script(folder, counts);
    for (const command of commands) {
      const before = plain.run(command);
      const after = metered.run(command);
      if (before === undefined || after === undefined) continue;
      const at = `${file}:${command.line} ${command.type}`;
      counts.assertions += 1;
      if (before.passed) counts.passedPlain += 1;
      if (after.passed) counts.passedMetered += 1;
      if (before.passed && !after.passed) {
        if (after.refused === true) counts.refused += 1;
        else counts.lost.push(`${at} ${after.bits}`);
      }
      if (!before.passed && after.passed) counts.gained.push(at);
      if (before.passed && after.passed && before.bits !== after.bits) counts.otherBits += 1;
    }
  }
  return counts;
}

interface Outcome {
  readonly passed: boolean;
  readonly bits: string;
  /** Whether there was nothing to run: metering refused the module, or one that it imports from. */
  readonly refused?: boolean;
}

/** Metering refused a module for a proposal that it uses, or it imports from such a module. */
class RefusedModule extends Error {
  override readonly name = 'RefusedModule';
}

/** Exports of a module; `refused` where metering refused it, undefined where it could not be instantiated. */
type Instance = WebAssembly.Exports | 'refused' | undefined;

const NOTHING_TO_CALL: Outcome = { passed: false, bits: '', refused: true };

/** One test file's modules, plain or, where there are `counts`, metered. */
class Script {
  private readonly folder: string;
  private readonly counts: SpecCounts | undefined;
  private readonly registered: Record<string, WebAssembly.ModuleImports>;
  private readonly named = new Map<string, Instance>();
  private current: Instance = undefined;
  private readonly refusedImports = new Set<string>();
  private readonly globals = new MeterGlobals();

  constructor(folder: string, counts: SpecCounts | undefined) {
    this.folder = folder;
    this.counts = counts;
    this.registered = { spectest: spectest() };
    if (counts !== undefined) Object.assign(this.registered, this.globals.imports);
  }

  /** Runs a command; an outcome only of assertions about running. */
  run(command: Command): Outcome | undefined {
    this.globals.fuel = MUCH_FUEL;
    this.globals.depth = 300_000;
    switch (command.type) {
      case 'module':
        return this.makeCurrent(command);
      case 'register': {
        const instance = this.instanceOf(command.name);
        const as = command.as ?? '';
        if (instance === 'refused') this.refusedImports.add(as);
        else if (instance !== undefined) this.registered[as] = instance;
        return undefined;
      }
      case 'action':
      case 'assert_return':
        return this.expectReturn(command.action, command.expected ?? []);
      case 'assert_trap':
      case 'assert_exhaustion':
        return command.action === undefined ? undefined : this.expectTrap(command.action);
      case 'assert_uninstantiable':
      case 'assert_unlinkable':
        return this.expectNoInstance(command);
      case 'assert_invalid':
      case 'assert_malformed':
        this.meterInvalid(command);
        return undefined;
      default:
        return undefined;
    }
  }

  private makeCurrent(command: Command): Outcome {
    let outcome: Outcome = { passed: true, bits: '' };
    try {
      this.current = this.instantiate(command);
    } catch (cause) {
      const refused = cause instanceof RefusedModule;
      this.current = refused ? 'refused' : undefined;
      outcome = { passed: false, bits: String(cause), refused };
    }
    if (command.name !== undefined) this.named.set(command.name, this.current);
    return outcome;
  }

  private instantiate(command: Command): WebAssembly.Exports {
    let bytes = new Uint8Array(readFileSync(join(this.folder, command.filename ?? '')));
    if (this.counts !== undefined) {
      this.counts.modules += 1;
      const result = meterModule(bytes, OPTIONS);
      if (!result.ok) {
        const [refusal] = result.refusals;
        const text = `${refusal?.code}: ${refusal?.message}`;
        this.counts.refusals.set(text, (this.counts.refusals.get(text) ?? 0) + 1);
        throw refusal?.code === 'unsupported_feature' ? new RefusedModule(text) : new Error(text);
      }
      const metered = new Uint8Array(result.value.bytes);
      if (WebAssembly.validate(bytes) && !WebAssembly.validate(metered)) {
        this.counts.invalidated.push(command.filename ?? '');
      }
      bytes = metered;
    }
    const module = new WebAssembly.Module(bytes);
    const missing = WebAssembly.Module.imports(module).find(({ module: from }) =>
      this.refusedImports.has(from),
    );
    if (missing !== undefined) throw new RefusedModule(`imports from ${missing.module}`);
    return new WebAssembly.Instance(module, this.registered).exports;
  }

  private instanceOf(name: string | undefined): Instance {
    return name === undefined ? this.current : this.named.get(name);
  }

  private expectReturn(action: Action | undefined, expected: readonly SpecValue[]): Outcome {
    try {
      const instance = this.instanceOf(action?.module);
      if (instance === 'refused') return NOTHING_TO_CALL;
      const target = instance?.[action?.field ?? ''];
      if (action === undefined || target === undefined) return { passed: false, bits: 'nothing to call' };
      if (action.type === 'get') {
        const value: unknown = (target as WebAssembly.Global).value;
        return { passed: true, bits: String(value) };
      }
      const results = callWithBits(target, action.args ?? [], expected);
      let reference = 0;
      const passed = expected.every((value, at) => {
        const equal = equalsExpected(value, at, results, reference);
        if (isReference(value.type)) reference += 1;
        return equal;
      });
      return { passed, bits: describeBits(expected, results) };
    } catch (cause) {
      return { passed: false, bits: String(cause) };
    }
  }

  private expectTrap(action: Action): Outcome {
    const instance = this.instanceOf(action.module);
    if (instance === 'refused') return NOTHING_TO_CALL;
    const target = instance?.[action.field];
    if (target === undefined) return { passed: false, bits: 'nothing to call' };
    try {
      // A call of the wrong result type would be a link error, so results are left to JavaScript.
      const values = (action.args ?? []).map(toJavaScript);
      (target as (...values: unknown[]) => unknown)(...values);
      return { passed: false, bits: 'returned' };
    } catch (cause) {
      return { passed: cause instanceof WebAssembly.RuntimeError || cause instanceof RangeError, bits: '' };
    }
  }

  private expectNoInstance(command: Command): Outcome {
    try {
      this.instantiate(command);
      return { passed: false, bits: 'instantiated' };
    } catch (cause) {
      const wanted = command.type === 'assert_unlinkable' ? WebAssembly.LinkError : WebAssembly.RuntimeError;
      return { passed: cause instanceof wanted, bits: '', refused: cause instanceof RefusedModule };
    }
  }

  private meterInvalid(command: Command): void {
    if (this.counts === undefined || command.module_type !== 'binary') return;
    this.counts.modules += 1;
    this.counts.invalidModules += 1;
    const result = meterModule(
      new Uint8Array(readFileSync(join(this.folder, command.filename ?? ''))),
      OPTIONS,
    );
    if (result.ok && WebAssembly.validate(new Uint8Array(result.value.bytes))) {
      this.counts.invalidAccepted.push(`${command.filename}: ${command.text}`);
    }
  }
}

function toJavaScript({ type, value }: SpecValue): unknown {
  const buffer = new DataView(new ArrayBuffer(8));
  switch (type) {
    case 'i32':
      return Number(BigInt.asIntN(32, BigInt(String(value))));
    case 'i64':
      return BigInt.asIntN(64, BigInt(String(value)));
    case 'f32':
      buffer.setUint32(0, Number(value));
      return buffer.getFloat32(0);
    case 'f64':
      buffer.setBigUint64(0, BigInt(String(value)));
      return buffer.getFloat64(0);
    default:
      return value === 'null' ? null : value;
  }
}

function spectest(): WebAssembly.ModuleImports {
  const print = (): undefined => undefined;
  return {
    print,
    print_i32: print,
    print_i64: print,
    print_f32: print,
    print_f64: print,
    print_i32_f32: print,
    print_f64_f64: print,
    global_i32: new WebAssembly.Global({ value: 'i32' }, 666),
    global_i64: new WebAssembly.Global({ value: 'i64' }, 666n),
    global_f32: new WebAssembly.Global({ value: 'f32' }, 666.6),
    global_f64: new WebAssembly.Global({ value: 'f64' }, 666.6),
    table: new WebAssembly.Table({ initial: 10, maximum: 20, element: 'anyfunc' }),
    memory: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
  };
}
