// Stage 1: inspect. Takes hostile bytes and says what they are: a component that is whole, valid, of names that can
// do no harm in glue, and what it imports, exports and was built with. Trusts nothing; two readers look at the
// bytes, ours and wasm-tools', and a component on which they disagree is refused.

import { sha256, type Digest } from '../artifact/digest.ts';
import { MAX_COMPONENT_BYTES } from '../core/limits.ts';
import { readComponent, type ComponentBinary } from './component-binary.ts';
import type { Sort } from './component-definitions.ts';
import { checkNames, parseInterfaceName } from './component-names.ts';
import { describeExport, findCallableImports, VALIDATION_INTERFACE } from './contract-shape.ts';
import { quote, type Refusal, type Result } from './refusal.ts';
import { CONFINED_TOOLS, type Tools } from './workshop/tools.ts';

/** An import of the component. */
export interface InspectedImport {
  /** Interface without version (`wasi:cli/stdout`), or the plain name of a function or type. */
  readonly interface: string;
  /** Empty where the name has none. */
  readonly version: string;
  readonly kind: Sort;
  /** Whether it holds functions, and not only types. */
  readonly callable: boolean;
}

/** A tool that had a hand in the component, as the component says. Safe to print. */
export interface InspectedProducer {
  /** `language`, `processed-by` or `sdk`. */
  readonly field: string;
  readonly name: string;
  readonly version: string;
}

/** What a component is. Every string in it is printable ASCII, `wit` with line breaks. */
export interface Inspection {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** The component's world as wasm-tools prints it. */
  readonly wit: string;
  /** In the order of the binary. */
  readonly imports: readonly InspectedImport[];
  /** Names with versions, in the order of the binary. */
  readonly exports: readonly string[];
  readonly coreModules: readonly {
    readonly index: number;
    readonly sizeBytes: number;
    readonly path: string;
  }[];
  /** Without duplicates. */
  readonly producers: readonly InspectedProducer[];
  /** One line: `rustc 1.96.0, wit-component 0.258.0`; `unknown` where the component does not say. */
  readonly toolchain: string;
  /** Every name that the binary carries, at any nesting: what its glue may hold as text. */
  readonly names: ReadonlySet<string>;
  /** Whether the component can make handles of its own, which no host can put back. */
  readonly makesHandles: boolean;
  /** For each export of the validation interface its shape, as `describeExport` gives it. */
  readonly validations: readonly { readonly export: string; readonly shape: readonly string[] }[];
}

/**
 * Inspects a component. Refuses with `not_wasm`, `core_module`, `truncated`, `malformed`, `too_large`,
 * `too_many_modules`, `unsupported_feature` or `unsafe_name`.
 */
export async function inspectComponent(
  bytes: Uint8Array,
  tools: Tools = CONFINED_TOOLS,
): Promise<Result<Inspection>> {
  if (bytes.length > MAX_COMPONENT_BYTES) {
    return refuse({
      code: 'too_large',
      message: `The component has ${bytes.length} bytes; at most ${MAX_COMPONENT_BYTES} are taken.`,
      where: `byte ${MAX_COMPONENT_BYTES}`,
      fix: 'Strip debug information, or build with a smaller runtime (componentize-qjs instead of StarlingMonkey).',
    });
  }
  // A copy: whoever holds the caller's buffer cannot change what was inspected while wasm-tools looks at it.
  const copy = new Uint8Array(bytes);
  const preamble = checkPreamble(copy);
  if (preamble !== undefined) return refuse(preamble);

  const read = readComponent(copy);
  if (!read.ok) return read;
  const component = read.value;
  const faults = [...checkNames(component.names), ...checkSorts(component)];
  if (faults.length > 0) return { ok: false, refusals: faults };

  const printed = await tools.printWit(copy);
  if (printed.kind !== 'wit') {
    const verdict = printed.kind === 'invalid' ? 'does not accept' : 'failed on';
    return refuse(malformed(`wasm-tools ${verdict} the component: ${quote(firstLine(printed.reason))}.`));
  }
  const disagreement = compareViews(component, printed.wit);
  if (disagreement !== undefined) return refuse(malformed(disagreement));

  const producers = printableProducers(component);
  const callable = findCallableImports(component.definitions);
  return {
    ok: true,
    value: {
      digest: await sha256(copy),
      sizeBytes: copy.length,
      wit: printed.wit,
      imports: component.imports.map(({ name, sort }) => ({
        ...(parseInterfaceName(name) ?? { interface: name, version: '' }),
        kind: sort,
        callable: callable.has(name),
      })),
      exports: component.exports.map(({ name }) => name),
      coreModules: component.coreModules.map(({ index, sizeBytes, path }) => ({ index, sizeBytes, path })),
      producers,
      toolchain: describeToolchain(producers),
      makesHandles: component.makesHandles,
      names: new Set(component.names.map(({ value }) => value)),
      validations: component.exports
        .filter(({ name }) => parseInterfaceName(name)?.interface === VALIDATION_INTERFACE)
        .map(({ name }) => ({
          export: name,
          shape: describeExport(component.definitions, name) ?? [],
        })),
    },
  };
}

function checkPreamble(bytes: Uint8Array): Refusal | undefined {
  const magic = [0x00, 0x61, 0x73, 0x6d];
  if (bytes.length === 0 || !magic.slice(0, bytes.length).every((byte, index) => bytes[index] === byte)) {
    return {
      code: 'not_wasm',
      message: bytes.length === 0 ? 'The file is empty.' : 'The file is not WebAssembly.',
      where: 'byte 0',
      fix: 'Hand in the .wasm component that your toolchain built.',
    };
  }
  // The layer, bytes 6 and 7, tells modules (0) from components (1).
  if (bytes.length >= 8 && bytes[4] === 0x01 && bytes[6] === 0x00) {
    return {
      code: 'core_module',
      message: 'The file is a core module, not a component.',
      where: 'byte 4',
      fix: 'Build a component: `wasm-tools component embed` and `component new`, or target wasm32-wasip2.',
    };
  }
  return undefined;
}

/** Interface names must name instances: another sort under such a name is read differently by different tools. */
function checkSorts(component: ComponentBinary): Refusal[] {
  const refusals: Refusal[] = [];
  for (const [side, externs] of [
    ['import', component.imports],
    ['export', component.exports],
  ] as const) {
    for (const { name, sort } of externs) {
      const isInterface = parseInterfaceName(name) !== undefined;
      if (isInterface ? sort === 'instance' : sort === 'func' || sort === 'type' || sort === 'instance')
        continue;
      refusals.push({
        code: 'unsupported_feature',
        message: `The ${side} ${quote(name)} is a ${sort}; only interfaces and functions can be ${side}ed.`,
        where: `${side} ${quote(name)}`,
        fix: 'Describe the component by a WIT world of interfaces, and build it with a current toolchain.',
      });
    }
  }
  return refusals;
}

/** What differs between our list of imports and exports and the world that wasm-tools printed. */
function compareViews(component: ComponentBinary, wit: string): string | undefined {
  if (!/^[\x20-\x7e\n]*$/.test(wit)) return 'wasm-tools prints text of the component that is not ASCII.';
  // Items of the world stand at an indent of two; deeper ones belong to inline interfaces.
  const printed = [...wit.matchAll(/^ {2}(import|export) ([^;]*?)(?:: [^\n]*)?;?$/gm)].map(
    ([, side, name]) => `${side} ${(name ?? '').replace(/^%/, '')}`,
  );
  // World-level types are printed as types, not as imports.
  const ours = [
    ...component.imports.filter(({ sort }) => sort !== 'type').map(({ name }) => `import ${name}`),
    ...component.exports.filter(({ sort }) => sort !== 'type').map(({ name }) => `export ${name}`),
  ];
  const difference =
    ours.find((item) => !printed.includes(item)) ?? printed.find((item) => !ours.includes(item));
  if (difference !== undefined || ours.length !== printed.length) {
    return `Two parsers disagree on what the component imports and exports: ${quote(difference ?? 'duplicates')}.`;
  }
  return undefined;
}

function printableProducers(component: ComponentBinary): InspectedProducer[] {
  const seen = new Map<string, InspectedProducer>();
  for (const producer of component.producers) {
    const printable = {
      field: printableText(producer.field),
      name: printableText(producer.name),
      version: printableText(producer.version),
    };
    seen.set(JSON.stringify(printable), printable);
  }
  return [...seen.values()];
}

function describeToolchain(producers: readonly InspectedProducer[]): string {
  const tools = producers.filter(({ field }) => field === 'processed-by' || field === 'sdk');
  // `1.96.0 (ac68faa20 2026-05-25)` says no more to a reader than `1.96.0`.
  const names = tools.map(({ name, version }) => `${name} ${version.split(' ')[0] ?? ''}`.trim());
  return names.length === 0 ? 'unknown' : names.slice(0, 8).join(', ');
}

/** Guest-chosen text without the quotes that `quote` puts around it. */
function printableText(text: string): string {
  return quote(text).slice(1, -1);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function malformed(message: string): Refusal {
  return {
    code: 'malformed',
    message,
    where: 'component',
    fix: 'Build the component with a current toolchain; `wasm-tools validate` must accept it.',
  };
}

function refuse(refusal: Refusal): { readonly ok: false; readonly refusals: readonly Refusal[] } {
  return { ok: false, refusals: [refusal] };
}
