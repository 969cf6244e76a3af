// Turns jco's glue into the glue of an artifact: synchronous, the same on every host, without what no call can
// reach. Edits are made on the syntax tree, never by searching text, for the text holds names that a guest chose.
// What comes out is judged afterwards (glue-check); nothing here is trusted to remove an attack.

/* oxlint-disable typescript/switch-exhaustiveness-check -- each switch knows a few of the 70 kinds of nodes */

import { transform } from 'esbuild';
import type { AnyNode, CallExpression, Function as FunctionNode, NewExpression } from 'acorn';
import { isFunction, parseModule, walk, type Binding, type ScopedModule } from './glue-scope.ts';

/** Glue and the core modules that were inline in it. */
export interface ShrunkGlue {
  readonly glue: string;
  readonly inlineModules: readonly Uint8Array[];
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Called where jco would wait: glue of a validator never waits, so this is a trap. */
const WAIT = 'waitInSynchronousGlue';
const WAIT_SOURCE = `function ${WAIT}() { throw new WebAssembly.RuntimeError('synchronous glue cannot wait'); }\n`;
const NO_REGISTRY = '{ return { register() {}, unregister() {} }; }';
const NO_RESOLVERS = '{ return { promise: undefined, resolve() {}, reject() {} }; }';

/** Host functions that start something later. */
const SCHEDULERS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'clearInterval']);

/** jco's own classes, whose methods only jco's code calls. Others may be a guest's resources. */
const INTERNAL_CLASSES =
  /^(?:Waitable|WaitableSet|RepTable|ComponentAsyncState|AsyncSubtask|AsyncTask|FutureValue|Internal\w+|Host\w+|\w*(?:Stream|Future)(?:Readable|Writable)\w*)$/;

/** Methods that the language calls by itself. */
const IMPLICIT_METHODS = new Set(['constructor', 'then', 'next', 'return', 'throw', 'toString', 'valueOf']);

/**
 * Rewrites and shrinks `source`. `moduleNames` maps the file names that jco gave to core modules to ours; inline
 * modules continue their count. Throws where the glue is not of the form that the pinned jco writes.
 */
export async function shrinkGlue(
  source: string,
  moduleNames: ReadonlyMap<string, string>,
): Promise<ShrunkGlue> {
  let text = rewrite(source, keepInstantiate);
  text = rewrite(text, makeSynchronous);
  text = rewrite(text, dropDead);
  const inlineModules: Uint8Array[] = [];
  text = rewrite(text, (module) => nameModules(module, moduleNames, inlineModules));
  return { glue: await minify(text), inlineModules };
}

function rewrite(source: string, collect: (module: ScopedModule) => Edit[]): string {
  const edits = collect(parseModule(source)).sort((a, b) => a.start - b.start || b.end - a.end);
  let text = '';
  let at = 0;
  for (const edit of edits) {
    // An edit inside one that was made is moot.
    if (edit.start < at) continue;
    text += source.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + source.slice(at);
}

/** Leaves `instantiate` alone in the module, as a plain function of three parameters that runs straight through. */
function keepInstantiate({ source, program }: ScopedModule): Edit[] {
  const edits: Edit[] = [];
  const instantiate = instantiateOf(program);
  for (const node of program.body) if (!contains(node, instantiate)) edits.push(replace(node, ''));
  for (const param of instantiate.params) {
    if (param.type === 'AssignmentPattern') edits.push(replace(param, source.slice(...spanOf(param.left))));
  }
  const body = instantiate.body;
  if (body.type !== 'BlockStatement') throw new Error('instantiate has no body');
  edits.push({ start: body.start + 1, end: body.start + 1, text: `\n${WAIT_SOURCE}` });
  const start = body.body.findIndex((node) => declares(node, 'gen'));
  const generator = body.body[start];
  if (generator?.type !== 'VariableDeclaration') throw new Error('instantiate has no generator');
  const call = generator.declarations[0]?.init;
  if (call?.type !== 'CallExpression' || call.callee.type !== 'FunctionExpression') {
    throw new Error('the generator of instantiate has another form');
  }
  // In synchronous mode nothing is yielded, so the generator and its driver are one call.
  if (hasOwn(call.callee, 'YieldExpression')) throw new Error('instantiate yields');
  const last = body.body.at(-1);
  if (last === undefined) throw new Error('instantiate has no end');
  const inner = source.slice(call.callee.body.start + 1, call.callee.body.end - 1);
  edits.push({ start: generator.start, end: last.end, text: inner });
  return edits;
}

/** Takes out what could wait, and what differs from host to host. */
function makeSynchronous({ source, program, free }: ScopedModule): Edit[] {
  const edits: Edit[] = [];
  const isFree = new Set<AnyNode>(free);
  const global = (node: AnyNode | null | undefined, name: string): boolean =>
    node?.type === 'Identifier' && node.name === name && isFree.has(node);
  walk(program, (node) => {
    if (isFunction(node)) edits.push(...editFunction(source, node));
    if (node.type === 'ExpressionStatement' && node.expression.type === 'CallExpression') {
      const { callee } = node.expression;
      if (callee.type === 'Identifier' && callee.name === '_debugLog') edits.push(replace(node, ';'));
      if (callee.type === 'MemberExpression') {
        if (global(callee.object, 'console')) edits.push(replace(node, ';'));
        // `x.catch(() => {})` marks a promise as handled; there are none.
        const argument = node.expression.arguments[0];
        const handled =
          argument?.type === 'ArrowFunctionExpression' && argument.body.end - argument.body.start === 2;
        if (nameOf(callee) === 'catch' && handled) edits.push(replace(node, ';'));
      }
    }
    // What jco notes on a function for JSPI's sake.
    if (node.type === 'CallExpression' && node.arguments.length === 2) {
      const [target, note] = node.arguments;
      const first = note?.type === 'ObjectExpression' ? note.properties[0] : undefined;
      const named = first?.type === 'Property' && first.key.type === 'Identifier' ? first.key.name : '';
      const { callee } = node;
      if (
        target &&
        named === '_jcoMaySuspend' &&
        callee.type === 'MemberExpression' &&
        global(callee.object, 'Object')
      ) {
        edits.push(
          { start: node.start, end: target.start, text: '' },
          { start: target.end, end: node.end, text: '' },
        );
      }
    }
    if (node.type === 'ConditionalExpression' && node.test.type === 'MemberExpression') {
      const { test } = node;
      if (global(test.object, 'globalThis') && nameOf(test) === 'WebAssembly') {
        edits.push({ start: test.start, end: node.consequent.start, text: '' });
        edits.push({ start: node.consequent.end, end: node.end, text: '' });
      }
      if (nameOf(test) === 'manuallyAsync') {
        edits.push({ start: test.start, end: node.alternate.start, text: '' });
      }
    }
    if (node.type === 'MemberExpression') {
      if (global(node.object, 'globalThis') && nameOf(node) === 'WebAssembly')
        edits.push(replace(node, 'WebAssembly'));
    }
    if (node.type === 'Property' && !node.computed && node.value.type === 'MemberExpression') {
      if (nameOf(node.value) === 'manuallyAsync') edits.push(replace(node.value, 'false'));
    }
    if (node.type === 'CallExpression') {
      const { callee } = node;
      if (callee.type === 'Identifier' && isFree.has(callee) && SCHEDULERS.has(callee.name))
        edits.push(replace(node, `${WAIT}()`));
      if (callee.type === 'MemberExpression') {
        if (global(callee.object, 'Promise')) edits.push(replace(node, `${WAIT}()`));
        if (global(callee.object, 'Math') && nameOf(callee) === 'random') edits.push(replace(node, '0'));
        if (global(callee.object, 'WebAssembly') && nameOf(callee) === 'promising') {
          edits.push(...unwrap(node));
        }
      }
    }
    if (node.type === 'NewExpression') {
      if (global(node.callee, 'Promise')) edits.push(replace(node, `${WAIT}()`));
      if (node.callee.type === 'MemberExpression' && global(node.callee.object, 'WebAssembly')) {
        if (nameOf(node.callee) === 'Suspending') edits.push(...unwrap(node));
        if (nameOf(node.callee) === 'Instance')
          edits.push({ start: node.start, end: node.callee.end, text: 'instantiateCore' });
      }
    }
    if (node.type === 'BinaryExpression' && node.operator === 'instanceof' && global(node.right, 'Promise')) {
      edits.push(replace(node, 'false'));
    }
    if (node.type === 'TryStatement' && isPromisingTry(node)) {
      edits.push(replace(node, source.slice(node.handler.body.start + 1, node.handler.body.end - 1)));
    }
  });
  return edits;
}

/** A function that waits becomes a trap; an asynchronous one that does not becomes a plain one. */
function editFunction(source: string, node: FunctionNode & AnyNode): Edit[] {
  if (node.type === 'FunctionDeclaration' && node.id?.name === 'finalizationRegistryCreate') {
    return [replace(node.body, NO_REGISTRY)];
  }
  if (node.type === 'FunctionDeclaration' && node.id?.name === 'promiseWithResolvers') {
    return [replace(node.body, NO_RESOLVERS)];
  }
  if (!node.async) return [];
  const edits: Edit[] = [];
  // The keyword stands at the function's start, or before a method's name.
  const from = node.type === 'FunctionExpression' ? source.lastIndexOf('async', node.start) : node.start;
  const keyword = source.startsWith('async', node.start) ? node.start : from;
  edits.push({ start: keyword, end: keyword + 'async'.length, text: '' });
  if (hasOwn(node, 'AwaitExpression') || hasOwn(node, 'ForOfStatement', (loop) => loop.await)) {
    edits.push(replace(node.body, `{ return ${WAIT}(); }`));
  }
  return edits;
}

/** Drops declarations that nothing uses and methods of jco's classes that nothing names. */
function dropDead(module: ScopedModule): Edit[] {
  const { body } = instantiateOf(module.program);
  const dead = new Set<AnyNode>();
  const isDead = (node: AnyNode): boolean => {
    for (let at: AnyNode | undefined = node; at !== undefined; at = module.parents.get(at)) {
      if (dead.has(at)) return true;
    }
    return false;
  };
  const bindings = [...(module.scopes.get(body)?.values() ?? [])];
  const classes = bindings.flatMap(({ declaration }) =>
    declaration.type === 'ClassDeclaration' && INTERNAL_CLASSES.test(declaration.id?.name ?? '')
      ? [declaration]
      : [],
  );
  for (let before = -1; before !== dead.size;) {
    before = dead.size;
    for (const binding of bindings) {
      for (const node of unusedNodes(module, binding, isDead)) dead.add(node);
    }
    const named = namedProperties(module.program, dead);
    for (const member of classes.flatMap((each) => each.body.body)) {
      if (member.type !== 'MethodDefinition' || member.computed || member.kind !== 'method') continue;
      const { key } = member;
      if (key.type !== 'Identifier' && key.type !== 'PrivateIdentifier') continue;
      const name = key.type === 'Identifier' ? key.name : `#${key.name}`;
      if (!named.has(name) && !IMPLICIT_METHODS.has(name)) dead.add(member);
    }
  }
  return [...dead].map((node) => replace(node, node.type === 'MethodDefinition' ? '' : ';'));
}

/** The declaration of a name that no live code reads, and the statements that write it. */
function unusedNodes(module: ScopedModule, binding: Binding, isDead: (node: AnyNode) => boolean): AnyNode[] {
  const { declaration } = binding;
  const uses = binding.references.filter((use) => !contains(declaration, use) && !isDead(use));
  if (declaration.type === 'FunctionDeclaration') return uses.length === 0 ? [declaration] : [];
  if (declaration.type === 'ClassDeclaration') {
    return uses.length === 0 && isPure(declaration) ? [declaration] : [];
  }
  if (declaration.type !== 'VariableDeclarator' || declaration.id.type !== 'Identifier') return [];
  const statement = module.parents.get(declaration);
  if (statement?.type !== 'VariableDeclaration' || statement.declarations.length !== 1) return [];
  if (declaration.init && !isPure(declaration.init)) return [];
  const writes: AnyNode[] = [];
  for (const use of uses) {
    const assignment = module.parents.get(use);
    if (assignment?.type !== 'AssignmentExpression' || assignment.left !== use || assignment.operator !== '=')
      return [];
    const outer = module.parents.get(assignment);
    if (outer?.type !== 'ExpressionStatement' || !isPure(assignment.right)) return [];
    writes.push(outer);
  }
  return [statement, ...writes];
}

/** Whether evaluating `node` can be left out: it has no effect and reads nothing that could throw for a guest. */
function isPure(node: AnyNode): boolean {
  switch (node.type) {
    case 'Literal':
    case 'Identifier':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return true;
    case 'TemplateLiteral':
      return node.expressions.length === 0;
    case 'UnaryExpression':
      return node.operator !== 'delete' && isPure(node.argument);
    case 'BinaryExpression':
      return isPure(node.left) && isPure(node.right);
    case 'MemberExpression':
      return isPure(node.object) && (!node.computed || node.property.type === 'Literal');
    case 'ArrayExpression':
      return node.elements.every((element) => element === null || isPure(element));
    case 'ObjectExpression':
      return node.properties.every(
        (property) => property.type === 'Property' && !property.computed && isPure(property.value),
      );
    case 'NewExpression':
      return isPureNew(node) && node.arguments.every(isPure);
    case 'CallExpression':
      return (
        node.callee.type === 'Identifier' && node.callee.name === 'Symbol' && node.arguments.every(isPure)
      );
    case 'ClassDeclaration':
    case 'ClassExpression':
      return node.body.body.every(
        (member) =>
          member.type === 'MethodDefinition' ||
          (member.type === 'PropertyDefinition' && (!member.static || !member.value || isPure(member.value))),
      );
    default:
      return false;
  }
}

function isPureNew(node: NewExpression): boolean {
  const { callee } = node;
  if (callee.type === 'Identifier') {
    return [
      'Map',
      'Set',
      'WeakMap',
      'DataView',
      'ArrayBuffer',
      'TextDecoder',
      'TextEncoder',
      'Uint8Array',
    ].includes(callee.name);
  }
  return callee.type === 'MemberExpression' && ['Global', 'Module'].includes(nameOf(callee) ?? '');
}

/** Gives core modules our file names and takes inline ones out of the text. */
function nameModules(
  { program, source }: ScopedModule,
  names: ReadonlyMap<string, string>,
  inline: Uint8Array[],
): Edit[] {
  const edits: Edit[] = [];
  walk(program, (node) => {
    if (
      node.type === 'CallExpression' &&
      node.callee.type === 'Identifier' &&
      node.callee.name === 'getCoreModule'
    ) {
      const file = node.arguments[0];
      const name = file?.type === 'Literal' ? names.get(String(file.value)) : undefined;
      if (file === undefined || name === undefined)
        throw new Error(`unknown core module ${source.slice(...spanOf(node))}`);
      edits.push(replace(file, `'${name}'`));
    }
    if (
      node.type === 'NewExpression' &&
      node.callee.type === 'MemberExpression' &&
      nameOf(node.callee) === 'Module'
    ) {
      inline.push(bytesOf(node));
      edits.push(replace(node, `getCoreModule('core${names.size + inline.length - 1}.wasm')`));
    }
  });
  return edits;
}

/** The bytes of `new WebAssembly.Module(new Uint8Array([…]))`. */
function bytesOf(node: NewExpression): Uint8Array {
  const array = node.arguments[0];
  const list = array?.type === 'NewExpression' ? array.arguments[0] : undefined;
  if (list?.type !== 'ArrayExpression') throw new Error('an inline module has another form');
  return Uint8Array.from(list.elements, (element) => {
    if (element?.type !== 'Literal' || typeof element.value !== 'number')
      throw new Error('an inline module holds no bytes');
    return element.value;
  });
}

/**
 * Same text in, same text out: esbuild's version is pinned, and nothing of the machine is an input. It is given the
 * body of `instantiate` as a script, whose outermost names it leaves alone: the check compares jco's own functions
 * by name, and a stack trace should say something. Names inside functions become short.
 */
async function minify(source: string): Promise<string> {
  const { body } = instantiateOf(parseModule(source).program);
  const { code } = await transform(`'use strict';${source.slice(body.start + 1, body.end - 1)}`, {
    loader: 'js',
    target: 'es2022',
    charset: 'ascii',
    legalComments: 'none',
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers: true,
    platform: 'neutral',
    tsconfigRaw: '{}',
    logLevel: 'silent',
  });
  return `export function instantiate(getCoreModule,imports,instantiateCore){${code.replace(/^"use strict";/, '').trimEnd()}}\n`;
}

function instantiateOf(program: ScopedModule['program']): Extract<AnyNode, { type: 'FunctionDeclaration' }> {
  for (const node of program.body) {
    if (node.type !== 'ExportNamedDeclaration') continue;
    const { declaration } = node;
    if (declaration?.type === 'FunctionDeclaration' && declaration.id.name === 'instantiate') {
      return declaration;
    }
  }
  throw new Error('the glue exports no instantiate');
}

function namedProperties(program: AnyNode, dead: ReadonlySet<AnyNode>): Set<string> {
  const names = new Set<string>();
  walk(program, (node) => {
    if (dead.has(node)) return false;
    if (node.type === 'MemberExpression' && !node.computed) {
      if (node.property.type === 'Identifier') names.add(node.property.name);
      if (node.property.type === 'PrivateIdentifier') names.add(`#${node.property.name}`);
    } else if (node.type === 'Literal' && typeof node.value === 'string') names.add(node.value);
    else if (node.type === 'ObjectPattern') {
      for (const property of node.properties) {
        if (property.type === 'Property' && property.key.type === 'Identifier') names.add(property.key.name);
      }
    } else if (node.type === 'BinaryExpression' && node.left.type === 'PrivateIdentifier')
      names.add(`#${node.left.name}`);
    return true;
  });
  return names;
}

/** `try { a = WebAssembly.promising(b) } catch (err) { a = b }`: jco's way to use JSPI where a host has it. */
function isPromisingTry(
  node: AnyNode,
): node is Extract<AnyNode, { type: 'TryStatement' }> & { handler: { body: AnyNode } } {
  if (node.type !== 'TryStatement' || !node.handler || node.block.body.length !== 1) return false;
  const [statement] = node.block.body;
  if (statement?.type !== 'ExpressionStatement' || statement.expression.type !== 'AssignmentExpression')
    return false;
  const call = statement.expression.right;
  return (
    call.type === 'CallExpression' &&
    call.callee.type === 'MemberExpression' &&
    nameOf(call.callee) === 'promising'
  );
}

/** Leaves the single argument of a call in its place. */
function unwrap(node: CallExpression | NewExpression): Edit[] {
  const [argument] = node.arguments;
  if (argument === undefined || node.arguments.length !== 1)
    throw new Error('a wrapper of JSPI has another form');
  return [
    { start: node.start, end: argument.start, text: '(' },
    { start: argument.end, end: node.end, text: ')' },
  ];
}

function hasOwn<T extends AnyNode['type']>(
  owner: AnyNode,
  type: T,
  matches: (node: Extract<AnyNode, { type: T }>) => boolean = () => true,
): boolean {
  let found = false;
  walk(owner, (node) => {
    if (node !== owner && isFunction(node)) return false;
    if (node.type === type && matches(node as Extract<AnyNode, { type: T }>)) found = true;
    return !found;
  });
  return found;
}

function declares(node: AnyNode, name: string): boolean {
  return (
    node.type === 'VariableDeclaration' &&
    node.declarations.some(({ id }) => id.type === 'Identifier' && id.name === name)
  );
}

function nameOf(node: Extract<AnyNode, { type: 'MemberExpression' }>): string | undefined {
  return !node.computed && node.property.type === 'Identifier' ? node.property.name : undefined;
}

function contains(outer: AnyNode, inner: AnyNode): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

function spanOf(node: AnyNode): [number, number] {
  return [node.start, node.end];
}

function replace(node: AnyNode, text: string): Edit {
  return { start: node.start, end: node.end, text };
}
