// The places that jco gives to identifiers in glue: where a global, a function of its own, a parameter of
// `instantiate` or a core export may stand. Questions only; glue-check asks them and refuses.

/* oxlint-disable typescript/switch-exhaustiveness-check -- each switch knows a few of the 70 kinds of nodes */

import type { AnyNode, CallExpression, Identifier, MemberExpression, NewExpression } from 'acorn';
import { INTRINSICS } from './glue-intrinsics.ts';
import {
  BINDABLE,
  CALLABLE,
  DENIED,
  GLOBALS,
  NUMERIC_OPERATORS,
  SYMBOLS,
  TRAMPOLINES,
} from './glue-rules.ts';
import { isFunction, type Binding, type ScopedModule } from './glue-scope.ts';

const CORE_FILE = /^core\d{1,3}\.wasm$/;
export const EXPORTS = /^exports\d+$/;
const INTERFACE_KEY = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*$/;
/** Exports of the modules that jco itself makes between composed components. */
const ADAPTER = /^adapter\d{1,5}$/;

/** What a node of glue is, judged by its resolved names and its neighbours. */
export abstract class GlueShapes {
  protected readonly module: ScopedModule;
  /** Identifiers that a surrounding shape has accounted for. */
  protected readonly accepted = new Set<AnyNode>();
  /** The body of `instantiate`. */
  protected body: AnyNode;
  private readonly names: ReadonlySet<string>;
  protected readonly free: ReadonlySet<AnyNode>;

  constructor(module: ScopedModule, names: ReadonlySet<string>) {
    this.module = module;
    this.names = names;
    this.free = new Set(module.free);
    this.body = module.program;
  }

  /** Whether a list of numbers holds what was paid for. */
  protected abstract isPaidView(node: NewExpression, name: string): boolean;

  protected isGlobalInPlace(node: Identifier, parent: AnyNode): boolean {
    const { name } = node;
    if (parent.type === 'CallExpression' && parent.callee === node) return GLOBALS.call.has(name);
    if (parent.type === 'NewExpression' && parent.callee === node)
      return GLOBALS.construct.has(name) || (GLOBALS.view.has(name) && this.isPaidView(parent, name));
    if (parent.type === 'BinaryExpression' && parent.operator === 'instanceof')
      return parent.right === node && GLOBALS.instanceof.has(name);
    if (parent.type !== 'MemberExpression' || parent.computed || parent.object !== node) return false;
    const user = this.module.parents.get(parent);
    const member = `${name}.${parent.property.type === 'Identifier' ? parent.property.name : ''}`;
    if (user?.type === 'NewExpression') return user.callee === parent && member === 'WebAssembly.Global';
    if (user?.type !== 'CallExpression' || user.callee !== parent) return false;
    return GLOBALS.method.has(member);
  }

  protected isFreeIdentifier(node: AnyNode): boolean {
    return node.type === 'Identifier' && this.free.has(node);
  }

  protected isParameterInPlace(node: Identifier, parent: AnyNode): boolean {
    if (node.name === 'imports') return this.isImport(parent);
    if (parent.type !== 'CallExpression' || parent.callee !== node) return false;
    return node.name === 'getCoreModule' ? this.isModuleRequest(parent) : this.isInstantiation(parent);
  }

  /** `imports['wasi:cli/stdout']`. */
  protected isImport(node: AnyNode | undefined): boolean {
    if (node?.type !== 'MemberExpression' || !node.computed || node.object.type !== 'Identifier')
      return false;
    if (node.object.name !== 'imports' || this.module.bindings.get(node.object)?.kind !== 'param')
      return false;
    const declarator = this.module.parents.get(node);
    if (declarator?.type !== 'VariableDeclarator' || declarator.id.type !== 'ObjectPattern') return false;
    const { property } = node;
    return (
      property.type === 'Literal' && typeof property.value === 'string' && INTERFACE_KEY.test(property.value)
    );
  }

  /** `const module0 = getCoreModule('core0.wasm')`. */
  protected isModuleRequest(call: CallExpression): boolean {
    const declarator = this.module.parents.get(call);
    const [file] = call.arguments;
    return (
      declarator?.type === 'VariableDeclarator' &&
      this.isOutermost(declarator) &&
      declarator.id.type === 'Identifier' &&
      /^module\d+$/.test(declarator.id.name) &&
      call.arguments.length === 1 &&
      file?.type === 'Literal' &&
      CORE_FILE.test(String(file.value))
    );
  }

  /** `({ exports: exports0 } = instantiateCore(module0, { … }))`, in the body of `instantiate` itself. */
  protected isInstantiation(call: CallExpression): boolean {
    const assignment = this.module.parents.get(call);
    if (assignment?.type !== 'AssignmentExpression' || assignment.left.type !== 'ObjectPattern') return false;
    const [core, importObject, ...others] = call.arguments;
    const [property] = assignment.left.properties;
    return (
      others.length === 0 &&
      core?.type === 'Identifier' &&
      /^module\d+$/.test(core.name) &&
      this.module.bindings.get(core)?.scope === this.body &&
      (importObject === undefined || lastOf(importObject).type === 'ObjectExpression') &&
      assignment.left.properties.length === 1 &&
      property?.type === 'Property' &&
      nameOfKey(property.key) === 'exports' &&
      property.value.type === 'Identifier' &&
      EXPORTS.test(property.value.name) &&
      this.isOutermost(assignment)
    );
  }

  /** Whether `node` runs as part of `instantiate` itself, not of a function in it. */
  protected isOutermost(node: AnyNode): boolean {
    for (let at = this.module.parents.get(node); at !== undefined; at = this.module.parents.get(at)) {
      if (isFunction(at)) return at.body === this.body;
    }
    return false;
  }

  protected isOwn(binding: Binding | undefined): boolean {
    return binding !== undefined && binding.scope === this.body && INTRINSICS.has(binding.name);
  }

  protected isSymbol(node: AnyNode): boolean {
    return node.type === 'Identifier' && SYMBOLS.has(node.name) && this.isOwn(this.module.bindings.get(node));
  }

  protected isOwnInPlace(node: Identifier, parent: AnyNode): boolean {
    const { name } = node;
    const call = parent.type === 'CallExpression' && parent.callee === node ? parent : undefined;
    if (call) return CALLABLE.has(name);
    if (SYMBOLS.has(name))
      return parent.type === 'MemberExpression' && parent.computed && parent.property === node;
    const member = parent.type === 'MemberExpression' && parent.object === node ? parent : undefined;
    switch (name) {
      case 'T_FLAG':
        return ['BinaryExpression', 'UnaryExpression', 'ArrayExpression'].includes(parent.type);
      case 'INSTANCE_FLAGS':
        return member !== undefined && nameOfMember(member) === 'set';
      case 'CURRENT_TASK_MAY_BLOCK':
        return member !== undefined && nameOfMember(member) === 'value';
      case 'HANDLE_TABLES':
        return member?.computed === true && isNumberLiteral(member.property);
      case 'ComponentError':
      case 'WebAssemblyRuntimeError':
        return parent.type === 'NewExpression' && parent.callee === node;
      default:
    }
    if (parent.type === 'VariableDeclarator' && parent.id.type === 'Identifier')
      return TRAMPOLINES.has(name) && /^trampoline\d+$/.test(parent.id.name) && this.isOutermost(parent);
    if (member && nameOfMember(member) === 'bind') {
      const bound = this.module.parents.get(member);
      if (bound?.type !== 'CallExpression' || bound.callee !== member || !BINDABLE.has(name)) return false;
      const [self, ...rest] = bound.arguments;
      if (self?.type !== 'Literal' || self.value !== null) return false;
      const [table] = rest;
      const ofTable = name === 'rscTableCreateOwn' && rest.length === 1 && table?.type === 'Identifier';
      return ofTable ? /^handleTable\d+$/.test(table.name) : this.areDescriptions(rest);
    }
    return false;
  }

  /** Arguments in which every name is literal, so that none can be made at run time. */
  protected areDescriptions(nodes: readonly AnyNode[]): boolean {
    return nodes.every((node) => this.isDescription(node, ''));
  }

  protected isDescription(node: AnyNode, key: string): boolean {
    switch (node.type) {
      case 'Literal':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return true;
      case 'UnaryExpression':
        return node.argument.type === 'Literal';
      case 'ArrayExpression':
        return node.elements.every((element) => element !== null && this.isDescription(element, ''));
      case 'ObjectExpression':
        return node.properties.every(
          (property) =>
            property.type === 'Property' &&
            !property.computed &&
            this.isDescription(property.value, nameOfKey(property.key)),
        );
      case 'Identifier': {
        const binding = this.module.bindings.get(node);
        return binding?.scope === this.body && key === 'importFn' && /^_trampoline\d+$/.test(node.name);
      }
      default:
        return false;
    }
  }

  /** `exports0`, which holds what `instantiateCore` gave and nothing else ever. */
  protected isCoreExports(node: AnyNode): boolean {
    if (node.type !== 'Identifier' || !EXPORTS.test(node.name)) return false;
    const binding = this.module.bindings.get(node);
    const declarator = binding?.declaration;
    return binding?.scope === this.body && declarator?.type === 'VariableDeclarator' && !declarator.init;
  }

  /** Whether `node` names the function of jco that is called so, not a variable of that name. */
  protected isBindable(node: AnyNode): boolean {
    return (
      node.type === 'Identifier' && BINDABLE.has(node.name) && this.isOwn(this.module.bindings.get(node))
    );
  }

  protected isCoreName(name: string): boolean {
    return !DENIED.has(name) && (this.names.has(name) || ADAPTER.test(name));
  }

  /** The counter of `for (let i = 0; i < n; i++)`. */
  protected counterOf(node: Extract<AnyNode, { type: 'ForStatement' }>): Binding | undefined {
    const { init, test, update } = node;
    if (init?.type !== 'VariableDeclaration' || init.kind !== 'let' || init.declarations.length !== 1)
      return undefined;
    const [declarator] = init.declarations;
    if (declarator?.id.type !== 'Identifier' || !isNumberLiteral(declarator.init)) return undefined;
    const counter = this.module.bindings.get(declarator.id);
    const isCounter = (at: AnyNode): boolean =>
      at.type === 'Identifier' && this.module.bindings.get(at) === counter;
    if (update?.type !== 'UpdateExpression' || update.operator !== '++' || !isCounter(update.argument))
      return undefined;
    if (test?.type !== 'BinaryExpression' || test.operator !== '<' || !isCounter(test.left)) return undefined;
    return test.right.type === 'Identifier' ? counter : undefined;
  }

  /** Whether `node` is a number or a bigint whatever its parts are: such a key names an element, nothing else. */
  protected isNumeric(node: AnyNode): boolean {
    if (isNumberLiteral(node)) return true;
    if (node.type === 'BinaryExpression') {
      if (NUMERIC_OPERATORS.has(node.operator)) return true;
      return node.operator === '+' && this.isNumeric(node.left) && this.isNumeric(node.right);
    }
    if (node.type === 'UnaryExpression') return ['-', '~', '+'].includes(node.operator);
    if (node.type !== 'Identifier') return false;
    const declarator = this.module.bindings.get(node)?.declaration;
    const declaration = declarator && this.module.parents.get(declarator);
    const loop = declaration && this.module.parents.get(declaration);
    return loop?.type === 'ForStatement' && loop.init === declaration && this.counterOf(loop) !== undefined;
  }

  /** Whether a text is the message of an error, that is, an argument of `new` or a part of one. */
  protected isInMessage(node: AnyNode): boolean {
    let at = this.module.parents.get(node);
    while (
      at?.type === 'BinaryExpression' ||
      at?.type === 'TemplateLiteral' ||
      at?.type === 'ConditionalExpression'
    )
      at = this.module.parents.get(at);
    return at?.type === 'NewExpression';
  }
}

/** The value of `(a, b)`: b. */
export function lastOf(node: AnyNode): AnyNode {
  return node.type === 'SequenceExpression' ? (node.expressions.at(-1) ?? node) : node;
}

export function isText(node: AnyNode): boolean {
  return (
    node.type === 'TemplateLiteral' ||
    (node.type === 'Literal' && typeof node.value === 'string') ||
    (node.type === 'UnaryExpression' && node.operator === 'typeof')
  );
}

export function isNumberLiteral(node: AnyNode | null | undefined): boolean {
  return node?.type === 'Literal' && typeof node.value === 'number';
}

export function nameOfKey(key: AnyNode): string {
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' ? String(key.value) : '';
}

export function nameOfMember(node: MemberExpression): string {
  return !node.computed && node.property.type === 'Identifier' ? node.property.name : '';
}
