// The shape of the export that the host calls: does `wasmpay:platform/validation` have the functions, parameters
// and types of the contract, exactly? wasm-tools prints a component's world, not the interfaces that it takes from
// other packages, so the types are worked out here, from the definitions: imports, instances, aliases and
// instantiations are followed to the types that they stand for. That the bytes are well typed is wasm-tools' to say.

import type { Contract } from '../artifact/manifest.ts';
import type {
  Definition,
  ExternType,
  NamedIndex,
  Sort,
  TypeNode,
  ValueType,
} from './component-definitions.ts';

/** The interface that the host calls, without version. */
export const VALIDATION_INTERFACE = 'wasmpay:platform/validation';

/** The shape of each contract's validation interface, as `describeExport` gives it: one line a type or function. */
export const CONTRACT_SHAPES: Record<Contract, readonly string[]> = {
  'wasmpay:platform@0.1.0': [
    'transaction = wasmpay:platform/types@0.1.0#transaction',
    'validate = func(transaction: wasmpay:platform/types@0.1.0#transaction) -> bool',
    'wasmpay:platform/types@0.1.0#bank = record { id: string, name: string, country: string, currency: string }',
    'wasmpay:platform/types@0.1.0#currency = record { name: string, symbol: string, amount: s64 }',
    'wasmpay:platform/types@0.1.0#transaction = record { id: string, origin: wasmpay:platform/types@0.1.0#bank, destination: wasmpay:platform/types@0.1.0#bank, amount: wasmpay:platform/types@0.1.0#currency, status: string }',
  ],
  'wasmpay:platform@0.2.0': [
    'transaction = wasmpay:platform/types@0.2.0#transaction',
    'verdict = wasmpay:platform/types@0.2.0#verdict',
    'validate = func(transaction: wasmpay:platform/types@0.2.0#transaction) -> wasmpay:platform/types@0.2.0#verdict',
    'wasmpay:platform/types@0.2.0#bank = record { id: string, name: string, country: string, currency: string }',
    'wasmpay:platform/types@0.2.0#currency = record { name: string, symbol: string, amount: s64 }',
    'wasmpay:platform/types@0.2.0#denial = record { code: string, message: string }',
    'wasmpay:platform/types@0.2.0#transaction = record { id: string, origin: wasmpay:platform/types@0.2.0#bank, destination: wasmpay:platform/types@0.2.0#bank, amount: wasmpay:platform/types@0.2.0#currency, status: string }',
    'wasmpay:platform/types@0.2.0#verdict = variant { approve, deny: wasmpay:platform/types@0.2.0#denial }',
  ],
};

/**
 * Most steps taken to work out a shape. A component takes a step a definition, again for each time that it is
 * instantiated; components that instantiate each other twice grow without bound, and none is built that way.
 */
export const MAX_STEPS = 200_000;

/** Deepest chain of instantiations and of types in types, levels. */
const MAX_DEPTH = 64;

/** Longest description, characters: types in types can double at each level. The contract's is under 1,000. */
const MAX_DESCRIPTION_LENGTH = 16 * 1024;

/** A shape that could not be worked out within the bounds, or whose indices lead nowhere. */
export const UNKNOWN_SHAPE: readonly string[] = ['a type that cannot be followed'];

/**
 * Describes the instance that the component exports as `name`, sorted lines: `validate = func(…) -> bool`, and the
 * definition of each type that comes from an imported interface. Undefined where there is no such export;
 * `UNKNOWN_SHAPE` where the definitions cannot be followed. Never throws.
 */
export function describeExport(
  definitions: readonly Definition[],
  name: string,
): readonly string[] | undefined {
  if (!definitions.some((definition) => definition.op === 'export' && definition.name === name))
    return undefined;
  try {
    const linker = new Linker();
    const item = linker.run(definitions, undefined, new Map(), undefined, 0).get(name);
    if (item?.kind !== 'instance') return UNKNOWN_SHAPE;
    return new Describer().describe(item);
  } catch (error) {
    if (error instanceof Unfollowable) return UNKNOWN_SHAPE;
    throw error;
  }
}

/**
 * Names of the imported interfaces that hold something to call: functions, or what cannot be followed. Types and
 * resources without methods are harmless; a function must have a host that answers it. Never throws.
 */
export function findCallableImports(definitions: readonly Definition[]): ReadonlySet<string> {
  const linker = new Linker();
  try {
    linker.run(definitions, undefined, new Map(), undefined, 0);
  } catch (error) {
    if (!(error instanceof Unfollowable)) throw error;
  }
  const callable = new Set<string>();
  for (const definition of definitions) {
    if (definition.op !== 'import') continue;
    const item = linker.imports.get(definition.name);
    const holdsTypes =
      item?.kind === 'instance' && [...item.exports.values()].every((held) => held.kind === 'type');
    if (!holdsTypes && item?.kind !== 'type') callable.add(definition.name);
  }
  return callable;
}

/** Lines of `actual` that the contract does not have, and lines of the contract that `actual` lacks. */
export function compareShape(
  actual: readonly string[],
  contract: Contract,
): { readonly unexpected: readonly string[]; readonly missing: readonly string[] } {
  const expected = CONTRACT_SHAPES[contract];
  return {
    unexpected: actual.filter((line) => !expected.includes(line)),
    missing: expected.filter((line) => !actual.includes(line)),
  };
}

/** Thrown inside this file only. */
class Unfollowable extends Error {}

interface TypeItem {
  readonly kind: 'type';
  readonly node: TypeNode;
  /** Where the indices in `node` count. */
  readonly scope: Scope;
  /** The imported interface and name that the type has there: `wasmpay:platform/types@0.1.0#bank`. */
  readonly origin?: string;
}

interface FuncItem {
  readonly kind: 'func';
  readonly type: TypeItem;
}

interface InstanceItem {
  readonly kind: 'instance';
  readonly exports: ReadonlyMap<string, Item>;
}

interface ComponentItem {
  readonly kind: 'component';
  readonly definitions: readonly Definition[];
  readonly scope: Scope;
}

interface OpaqueItem {
  readonly kind: 'opaque';
}

type Item = TypeItem | FuncItem | InstanceItem | ComponentItem | OpaqueItem;

/** The index spaces of one component, component type or instance type. */
interface Scope {
  readonly parent: Scope | undefined;
  readonly spaces: Record<Sort, Item[]>;
}

const OPAQUE: OpaqueItem = { kind: 'opaque' };

class Linker {
  /** What the outermost component imports. */
  readonly imports = new Map<string, Item>();
  private steps = 0;

  /** Goes through definitions in order and gives what they export. `args` stands in for imports. */
  run(
    definitions: readonly Definition[],
    parent: Scope | undefined,
    args: ReadonlyMap<string, Item>,
    interfaceName: string | undefined,
    depth: number,
  ): ReadonlyMap<string, Item> {
    if (depth > MAX_DEPTH) throw new Unfollowable();
    const scope: Scope = {
      parent,
      spaces: { func: [], type: [], component: [], instance: [], 'core module': [], core: [] },
    };
    const exports = new Map<string, Item>();
    for (const definition of definitions) {
      this.steps += 1;
      if (this.steps > MAX_STEPS) throw new Unfollowable();
      switch (definition.op) {
        case 'type':
          scope.spaces.type.push(typeOf(definition.type, scope));
          break;
        case 'import': {
          const item =
            args.get(definition.name) ?? this.declared(definition.type, scope, definition.name, depth);
          scope.spaces[definition.type.sort].push(item);
          if (parent === undefined) this.imports.set(definition.name, item);
          break;
        }
        case 'declare': {
          let item = this.declared(definition.type, scope, undefined, depth);
          if (item.kind === 'type' && item.origin === undefined && interfaceName !== undefined) {
            item = { ...item, origin: `${interfaceName}#${definition.name}` };
          }
          scope.spaces[definition.type.sort].push(item);
          exports.set(definition.name, item);
          break;
        }
        case 'export': {
          const item = at(scope, definition.sort, definition.index);
          scope.spaces[definition.sort].push(item);
          exports.set(definition.name, item);
          break;
        }
        case 'alias': {
          const instance = at(scope, 'instance', definition.instance);
          const item = instance.kind === 'instance' ? instance.exports.get(definition.name) : undefined;
          if (item === undefined) throw new Unfollowable();
          scope.spaces[definition.sort].push(item);
          break;
        }
        case 'outer': {
          let outer: Scope | undefined = scope;
          for (let count = definition.count; count > 0 && outer !== undefined; count -= 1)
            outer = outer.parent;
          if (outer === undefined) throw new Unfollowable();
          // Core types and modules have no bearing on the type of an export.
          const isCore = definition.sort === 'core' || definition.sort === 'core module';
          scope.spaces[definition.sort].push(isCore ? OPAQUE : at(outer, definition.sort, definition.index));
          break;
        }
        case 'instantiate': {
          const component = at(scope, 'component', definition.component);
          if (component.kind !== 'component') throw new Unfollowable();
          this.steps += definition.args.length;
          const given = collect(scope, definition.args);
          const made = this.run(component.definitions, component.scope, given, undefined, depth + 1);
          scope.spaces.instance.push({ kind: 'instance', exports: made });
          break;
        }
        case 'bundle':
          this.steps += definition.exports.length;
          scope.spaces.instance.push({ kind: 'instance', exports: collect(scope, definition.exports) });
          break;
        case 'component':
          scope.spaces.component.push({ kind: 'component', definitions: definition.definitions, scope });
          break;
        case 'lift': {
          const type = at(scope, 'type', definition.type);
          if (type.kind !== 'type') throw new Unfollowable();
          scope.spaces.func.push({ kind: 'func', type });
          break;
        }
      }
    }
    return exports;
  }

  /** What an import or a declared export stands for when only its type is known. */
  private declared(type: ExternType, scope: Scope, importName: string | undefined, depth: number): Item {
    if (type.sort === 'core' || type.sort === 'core module') return OPAQUE;
    if (type.index === 'resource') return typeOf({ kind: 'resource' }, scope);
    const item = at(scope, 'type', type.index);
    if (item.kind !== 'type') throw new Unfollowable();
    switch (type.sort) {
      case 'type':
        return item;
      case 'func':
        return { kind: 'func', type: item };
      case 'instance':
        if (item.node.kind !== 'instance') throw new Unfollowable();
        return {
          kind: 'instance',
          exports: this.run(item.node.declarations, item.scope, new Map(), importName, depth + 1),
        };
      case 'component':
        break;
    }
    if (item.node.kind !== 'component') throw new Unfollowable();
    return { kind: 'component', definitions: item.node.declarations, scope: item.scope };
  }
}

class Describer {
  private readonly lines = new Map<string, string>();
  private readonly origins = new Set<string>();
  private length = 0;

  describe(instance: InstanceItem): readonly string[] {
    for (const [name, item] of instance.exports) {
      if (item.kind === 'func') this.add(`${name} = ${this.type(item.type, 0)}`);
      else if (item.kind === 'type') this.add(`${name} = ${this.type(item, 0)}`);
      else this.add(`${name} = ${item.kind}`);
    }
    return [...this.lines.keys()].sort();
  }

  private add(line: string): void {
    this.lines.set(line, line);
  }

  private type(item: TypeItem, depth: number): string {
    if (depth > MAX_DEPTH) throw new Unfollowable();
    if (item.origin === undefined) return this.node(item, depth);
    // Two types of one origin that differ give two lines, which no contract has.
    if (!this.origins.has(item.origin) || depth === 0) {
      this.origins.add(item.origin);
      this.add(`${item.origin} = ${this.node(item, depth)}`);
    }
    return item.origin;
  }

  private node({ node, scope }: TypeItem, depth: number): string {
    const value = (type: ValueType): string => {
      if (typeof type === 'string') return type;
      const item = at(scope, 'type', type);
      if (item.kind !== 'type') throw new Unfollowable();
      return this.type(item, depth + 1);
    };
    const part = ({ label, type }: { label?: string; type?: ValueType }): string => {
      if (type === undefined) return label ?? '_';
      return label === undefined ? value(type) : `${label}: ${value(type)}`;
    };
    let text: string;
    switch (node.kind) {
      case 'alias':
        text = value(node.type);
        break;
      case 'composite':
        text = `${node.head} { ${node.parts.map(part).join(', ')} }`;
        break;
      case 'func':
        text = `${node.async ? 'async ' : ''}func(${node.params.map(part).join(', ')})`;
        if (node.result !== undefined) text += ` -> ${value(node.result)}`;
        break;
      case 'component':
      case 'instance':
      case 'resource':
        text = node.kind;
        break;
    }
    this.length += text.length;
    if (this.length > MAX_DESCRIPTION_LENGTH) throw new Unfollowable();
    return text;
  }
}

function typeOf(node: TypeNode, scope: Scope): TypeItem {
  // An alias of another type is that type: WIT's `use` and `type a = b` give no new one.
  if (node.kind === 'alias' && typeof node.type === 'number') {
    const item = at(scope, 'type', node.type);
    if (item.kind === 'type') return item;
  }
  return { kind: 'type', node, scope };
}

function at(scope: Scope, sort: Sort, index: number): Item {
  const item = scope.spaces[sort][index];
  if (item === undefined) throw new Unfollowable();
  return item;
}

function collect(scope: Scope, named: readonly NamedIndex[]): ReadonlyMap<string, Item> {
  const items = new Map<string, Item>();
  for (const { name, sort, index } of named) {
    items.set(name, sort === 'core' || sort === 'core module' ? OPAQUE : at(scope, sort, index));
  }
  return items;
}
