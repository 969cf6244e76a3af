// The second gate: whether a glue is one that jco can have written. The first (component-names) admits no name that
// could leave its quotes; this one assumes that a name did, so that the text may hold anything, and accepts only
//   1. jco's own functions and ours, word for word (glue-intrinsics), and
//   2. for the rest a small language: no loop but counted ones that were paid for (glue-costs), nothing that calls its
//      caller, no class, no `this`, no template outside an error's message, each global object in its few known places,
//      and no property by a name that is not in the text.
// Code from text needs the function constructor, and each way to it takes a property name that 2 does not let in.

/* oxlint-disable typescript/switch-exhaustiveness-check -- each switch knows a few of the 70 kinds of nodes */

import type { AnyNode, CallExpression, Identifier, MemberExpression } from 'acorn';
import { fingerprintsOf, unitsOf } from './glue-fingerprint.ts';
import { INTRINSICS } from './glue-intrinsics.ts';
import {
  BUILTIN_METHODS,
  COERCIONS,
  DENIED,
  METHODS,
  NODE_TYPES,
  OPERATORS,
  OTHER_MEMBERS,
  RESERVED_NAMES,
  SETTABLE,
} from './glue-rules.ts';
import { childrenOf, isFunction, namesOfPattern, parseModule, type ScopedModule } from './glue-scope.ts';
import { GlueCosts } from './glue-costs.ts';
import { EXPORTS, isNumberLiteral, isText, lastOf, nameOfKey } from './glue-shapes.ts';
import { quote, type Refusal } from './refusal.ts';

/** Faults that one check reports; the first is enough to refuse. */
const MAX_FAULTS = 20;

const PARAMETERS = ['getCoreModule', 'imports', 'instantiateCore', '_charge', '_marks'];
/** What jco makes of a WIT label, and the names of its own members. */
const MEMBER = /^[a-z][A-Za-z0-9]*$/;

/**
 * The faults of a glue; none means that it may be evaluated. `allowedNames` are the core names of the component
 * that passed the first gate: the only exports of core modules that glue may read.
 */
export function checkGlue(glue: string, allowedNames: ReadonlySet<string>): Refusal[] {
  let module: ScopedModule;
  try {
    module = parseModule(glue, { locations: true });
  } catch (cause) {
    return [refusal('module', 'module', '1:0', cause instanceof Error ? cause.message : '')];
  }
  const faults: Refusal[] = [];
  const check = new GlueCheck(module, allowedNames, (node, why) => {
    const { line, column } = node.loc?.start ?? { line: 0, column: 0 };
    if (faults.length < MAX_FAULTS)
      faults.push(refusal(why, node.type, `${line}:${column}`, glue.slice(node.start, node.end)));
  });
  check.run();
  return faults;
}

function refusal(why: string, kind: string, where: string, excerpt: string): Refusal {
  return {
    code: 'glue_rejected',
    message: `The glue holds what jco does not write (${why}, ${kind}): ${quote(excerpt)}`,
    where: `glue ${where}`,
    fix: 'Rename the core imports and exports of the component to plain names; if they are, report the component.',
  };
}

type Report = (node: AnyNode, why: string) => void;

class GlueCheck extends GlueCosts {
  private readonly report: Report;

  constructor(module: ScopedModule, names: ReadonlySet<string>, report: Report) {
    super(module, names);
    this.report = report;
  }

  run(): void {
    const [only, ...others] = this.module.program.body;
    const instantiate = only?.type === 'ExportNamedDeclaration' ? only.declaration : undefined;
    if (
      others.length > 0 ||
      only?.type !== 'ExportNamedDeclaration' ||
      only.specifiers.length > 0 ||
      only.source ||
      instantiate?.type !== 'FunctionDeclaration' ||
      instantiate.id.name !== 'instantiate' ||
      instantiate.async ||
      instantiate.generator ||
      instantiate.params.map((param) => (param.type === 'Identifier' ? param.name : '')).join() !==
        PARAMETERS.join()
    ) {
      this.report(
        others[0] ?? only ?? this.module.program,
        'the module exports instantiate and nothing else',
      );
      return;
    }
    this.body = instantiate.body;
    if (this.module.hasComments) this.report(this.module.program, 'comment');
    const own = this.checkDeclarations();
    for (const statement of instantiate.body.body) this.check(statement, own);
  }

  /** jco's own declarations, word for word; no name twice, none of the language's. */
  private checkDeclarations(): Set<AnyNode> {
    const own = new Set<AnyNode>();
    const seen = new Set<string>();
    for (const unit of unitsOf(this.body)) {
      for (const name of namesOfPattern(unit.id)) {
        if (seen.has(name.name)) this.report(name, 'declared twice');
        seen.add(name.name);
        if (RESERVED_NAMES.has(name.name)) this.report(name, 'reserved name');
        if (INTRINSICS.has(name.name) && unit.id !== name) this.report(name, 'name of a function of jco');
      }
      if (unit.id.type !== 'Identifier' || !INTRINSICS.has(unit.id.name)) continue;
      own.add(unit);
      for (const [name, print] of fingerprintsOf(this.module, unit)) {
        if (INTRINSICS.get(name)?.has(print) !== true) this.report(unit, `not jco's ${name}`);
      }
    }
    // `var` in a nested block is seen here as well, and would be none of the units.
    for (const binding of this.module.scopes.get(this.body)?.values() ?? []) {
      if (!seen.has(binding.name)) this.report(binding.declaration, 'declared in a nested block');
    }
    return own;
  }

  private check(node: AnyNode, own: ReadonlySet<AnyNode>): void {
    if (own.has(node)) return;
    if (NODE_TYPES.has(node.type)) this.checkNode(node);
    else this.report(node, 'syntax');
    for (const child of childrenOf(node)) this.check(child, own);
  }

  private checkNode(node: AnyNode): void {
    switch (node.type) {
      case 'Identifier':
        return this.checkIdentifier(node);
      case 'Literal':
        if ('regex' in node && node.regex) this.report(node, 'regular expression');
        if (typeof node.value === 'string' && DENIED.has(node.value)) this.report(node, 'denied word');
        return;
      case 'TemplateLiteral':
        if (!this.isInMessage(node)) this.report(node, 'template outside a message');
        return;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        if (node.async || node.generator) this.report(node, 'asynchronous or generator function');
        if (node.params.some((param) => param.type !== 'Identifier')) this.report(node, 'parameters');
        if (!this.isFunctionInPlace(node)) this.report(node, 'function out of place');
        return;
      case 'VariableDeclarator':
        return this.checkDeclarator(node);
      case 'ForStatement':
        if (!this.isPaidLoop(node)) this.report(node, 'loop that nothing is paid for');
        return;
      case 'ForOfStatement':
        if (!this.isPaidEach(node)) this.report(node, 'loop that nothing is paid for');
        return;
      case 'ReturnStatement':
        if (this.module.parents.get(node) === this.body) this.checkResult(node.argument ?? node);
        return;
      case 'Property':
        return this.checkProperty(node);
      case 'ArrayPattern':
        if (node.elements.some((element) => element !== null && element.type !== 'Identifier'))
          this.report(node, 'pattern');
        return;
      case 'UnaryExpression':
        if (node.operator === 'delete') this.report(node, 'operator');
        return;
      case 'BinaryExpression':
        if (!OPERATORS.has(node.operator)) this.report(node, 'operator');
        if (!this.isInMessage(node)) this.checkArithmetic(node);
        return;
      case 'UpdateExpression':
        this.checkTarget(node.argument, node);
        return;
      case 'AssignmentExpression':
        return this.checkAssignment(node);
      case 'MemberExpression':
        return this.checkMember(node);
      case 'CallExpression':
        return this.checkCall(node);
      case 'NewExpression':
        return this.checkNew(node);
      default:
    }
  }

  /** A product has a number in it: bigints would double in length with each line. */
  private checkArithmetic(node: Extract<AnyNode, { type: 'BinaryExpression' }>): void {
    const operands = [node.left, node.right];
    if (node.operator === '+' && operands.some(isText))
      this.report(node, 'text put together outside a message');
    if (node.operator === '*' && !operands.some(isNumberLiteral))
      this.report(node, 'arithmetic of another form');
  }

  /** `instantiate` returns the component's exports, which nobody can mistake for a promise. */
  private checkResult(returned: AnyNode): void {
    const node = lastOf(returned);
    const plain =
      node.type === 'ObjectExpression' &&
      node.properties.every(
        (property) =>
          property.type === 'Property' &&
          nameOfKey(property.key) !== 'then' &&
          property.value.type === 'Identifier' &&
          this.module.bindings.get(property.value)?.scope === this.body,
      );
    if (!plain) this.report(node, 'result');
  }

  private checkDeclarator(node: Extract<AnyNode, { type: 'VariableDeclarator' }>): void {
    // At the outermost level patterns take a host's functions, and nothing else.
    const declaration = this.module.parents.get(node);
    const outermost = declaration && this.module.parents.get(declaration) === this.body;
    if (node.id.type === 'ObjectPattern' && outermost && !this.isImport(node.init ?? undefined))
      this.report(node, 'pattern');
  }

  private checkProperty(node: Extract<AnyNode, { type: 'Property' }>): void {
    if (node.computed || node.kind !== 'init' || node.method) return this.report(node, 'property');
    const { key } = node;
    if (key.type !== 'Identifier' && key.type !== 'Literal') return this.report(key, 'property name');
    const name = key.type === 'Identifier' ? key.name : String(key.value);
    const owner = this.module.parents.get(node);
    if (DENIED.has(name)) this.report(key, 'denied word');
    if (owner?.type === 'ObjectPattern') {
      if (key.type !== 'Identifier' || node.value.type !== 'Identifier') this.report(node, 'pattern');
      else if (BUILTIN_METHODS.has(name) && !METHODS.has(name) && this.isFunctionName(name))
        this.report(key, 'method of the language');
    } else if (COERCIONS.has(name)) this.report(key, 'denied word');
  }

  /** Labels of WIT that are names of methods, too, are common as fields; these would hand out a function. */
  private isFunctionName(name: string): boolean {
    return name === 'bind' || name === 'then';
  }

  private checkIdentifier(node: Identifier): void {
    const parent = this.module.parents.get(node);
    if (this.accepted.has(node) || parent === undefined) return;
    if (DENIED.has(node.name)) this.report(node, 'denied word');
    const binding = this.module.bindings.get(node);
    if (binding === undefined) {
      if (this.free.has(node) && !this.isGlobalInPlace(node, parent)) this.report(node, 'free identifier');
      return;
    }
    if (binding.kind === 'param' && binding.scope === this.module.parents.get(this.body)) {
      if (!this.isParameterInPlace(node, parent)) this.report(node, 'host function out of place');
    } else if (this.isOwn(binding) && !this.isOwnInPlace(node, parent)) {
      this.report(node, 'function of jco out of place');
    } else if (!this.isMemoryInPlace(node, binding, parent)) this.report(node, 'memory out of place');
    else if (!this.isHandedOn(node, binding)) this.report(node, 'function of the component out of place');
  }

  /** What may change: own variables of the component's part, and a few members of jco's objects. */
  private checkTarget(target: AnyNode, by: AnyNode): void {
    if (target.type === 'Identifier') {
      const binding = this.module.bindings.get(target);
      if (
        binding === undefined ||
        (binding.kind !== 'let' && binding.kind !== 'var' && binding.kind !== 'param')
      )
        return this.report(by, 'assignment');
      if (EXPORTS.test(binding.name)) this.report(by, 'assignment');
      // What a function of the component's part keeps outside of itself, the next transaction would meet.
      // A handle's number is no state that a guest sees: an instance that was handed one is thrown away.
      const isHandleCount = by.type === 'UpdateExpression' && /^captureCnt\d+$/.test(binding.name);
      if (binding.scope === this.body && this.isInFunction(by) && !isHandleCount)
        this.report(by, 'assignment that outlives a call');
      if (this.isOwn(binding)) this.report(by, 'assignment');
      const counter = binding.kind === 'let' && this.module.parents.get(binding.declaration);
      const loop = counter && this.module.parents.get(counter);
      if (loop && loop.type === 'ForStatement' && loop.init === counter && loop.update !== by)
        this.report(by, 'assignment to a counter');
      return;
    }
    if (target.type !== 'MemberExpression' || target.object.type !== 'Identifier')
      return this.report(by, 'assignment');
    if (by.type !== 'AssignmentExpression' || by.operator !== '=') return this.report(by, 'assignment');
    const { object, property } = target;
    if (!target.computed) {
      if (property.type === 'Identifier' && SETTABLE.has(property.name)) return;
    } else if (this.isSymbol(property)) return;
    else if (object.name === 'HANDLE_TABLES' && isNumberLiteral(property)) return;
    this.report(by, 'assignment');
  }

  /** Whether the node stands in a function inside of `instantiate`. */
  private isInFunction(node: AnyNode): boolean {
    for (
      let at: AnyNode | undefined = node;
      at !== undefined && at !== this.body;
      at = this.module.parents.get(at)
    ) {
      if (isFunction(at)) return true;
    }
    return false;
  }

  private checkMember(node: MemberExpression): void {
    const { object, property } = node;
    if (object.type === 'Super' || property.type === 'PrivateIdentifier') return this.report(node, 'member');
    if (this.isCoreExports(object) && !this.isExportInPlace(node))
      this.report(node, 'core export out of place');
    if (node.computed) {
      if (object.type === 'Identifier' && /^handleTable\d+$/.test(object.name))
        this.report(node, 'table of handles');
      if (property.type === 'Literal' && typeof property.value === 'string') {
        if (this.isImport(node)) return;
        if (!this.isCoreExports(object) || !this.isCoreName(property.value))
          this.report(node, 'member that is no core export');
      } else if (!this.isSymbol(property) && !this.isNumeric(property)) this.report(node, 'computed member');
      return;
    }
    if (property.type !== 'Identifier') return this.report(node, 'member');
    const { name } = property;
    if (name === 'buffer' && !this.isBufferInPlace(node)) this.report(node, 'memory out of place');
    if (DENIED.has(name)) this.report(node, 'denied word');
    else if (this.isCoreExports(object)) {
      if (!this.isCoreName(name)) this.report(node, 'member that is no core export');
    } else if (!MEMBER.test(name) && !OTHER_MEMBERS.has(name)) {
      if (!this.isFreeIdentifier(object)) this.report(node, 'member');
    } else if (name === 'bind' || name === 'then') {
      if (name !== 'bind' || !this.isBindable(object)) this.report(node, 'member');
    }
  }

  private checkAssignment(node: Extract<AnyNode, { type: 'AssignmentExpression' }>): void {
    if (!['=', '+=', '-='].includes(node.operator)) this.report(node, 'operator');
    if (node.left.type === 'ObjectPattern') {
      const call = node.right;
      const core = call.type === 'CallExpression' && call.callee.type === 'Identifier' && call.callee.name;
      if (core !== 'instantiateCore') this.report(node, 'pattern');
    } else if (node.left.type === 'ArrayPattern') {
      for (const name of namesOfPattern(node.left)) this.checkTarget(name, node);
    } else this.checkTarget(node.left, node);
  }

  private checkCall(node: CallExpression): void {
    const { callee } = node;
    if (node.arguments.some((argument) => argument.type === 'SpreadElement')) this.report(node, 'spread');
    if (!this.isLiftInPlace(node)) this.report(node, 'lifting of another form');
    if (callee.type === 'Identifier') {
      if (!this.isCalleeInPlace(callee)) this.report(node, 'call of a function that may be its caller');
      return;
    }
    if (callee.type === 'CallExpression') {
      // `_requireValidNumericPrimitive.bind(null, 'u32')(value)`
      const bound = callee.callee.type === 'MemberExpression' ? callee.callee : undefined;
      const maker = bound?.object.type === 'Identifier' ? bound.object : undefined;
      if (maker?.name !== '_requireValidNumericPrimitive' || !this.isBindable(maker))
        this.report(node, 'call of a call');
      return;
    }
    if (callee.type !== 'MemberExpression') return this.report(node, 'call');
    const { object, property } = callee;
    if (callee.computed) {
      if (!this.isCoreExports(object) && !this.isSymbol(property)) this.report(node, 'computed call');
      return;
    }
    if (this.isCoreExports(object) || this.isFreeIdentifier(object)) return;
    const name = property.type === 'Identifier' ? property.name : '';
    if (name === 'bind' && this.isBindable(object)) return;
    if (METHODS.has(name)) return;
    // A method of a host's resource, by its label.
    if (object.type !== 'Identifier' || !MEMBER.test(name) || BUILTIN_METHODS.has(name))
      this.report(node, 'method');
  }

  private checkNew(node: Extract<AnyNode, { type: 'NewExpression' }>): void {
    const { callee } = node;
    if (node.arguments.some((argument) => argument.type === 'SpreadElement')) this.report(node, 'spread');
    if (callee.type === 'Identifier') {
      const binding = this.module.bindings.get(callee);
      const isCollection = binding === undefined && (callee.name === 'Set' || callee.name === 'Map');
      if (isCollection && node.arguments.length > 0) this.report(node, 'collection of something');
      if (binding === undefined || this.isOwn(binding)) return;
      // A resource of the host that has a constructor.
      const { declaration } = binding;
      if (declaration.type === 'VariableDeclarator' && this.isImport(declaration.init ?? undefined)) return;
    } else if (callee.type === 'MemberExpression' && this.isFreeIdentifier(callee.object)) return;
    this.report(node, 'construction');
  }
}
