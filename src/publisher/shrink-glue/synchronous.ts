// Makes glue of jco synchronous and the same on every host: what could wait is a trap, and nothing differs from host
// to host.

import type { AnyNode, CallExpression, Function as FunctionNode, NewExpression } from 'acorn';
import { isFunction, walk, type ScopedModule } from '../glue-scope.ts';
import { hasOwn, nameOf, replace, type Edit } from './edits.ts';

/** Called where jco would wait: glue of a validator never waits, so this is a trap. */
const WAIT = 'waitInSynchronousGlue';
export const WAIT_SOURCE = `function ${WAIT}() { throw new WebAssembly.RuntimeError('synchronous glue cannot wait'); }\n`;
const NO_REGISTRY = '{ return { register() {}, unregister() {} }; }';
const NO_RESOLVERS = '{ return { promise: undefined, resolve() {}, reject() {} }; }';

/** Host functions that start something later. */
const SCHEDULERS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'clearInterval']);

/** Takes out what could wait, and what differs from host to host. */
export function makeSynchronous({ source, program, free }: ScopedModule): Edit[] {
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
    if (node.type === 'Property' && isFlatConversion(node)) edits.push(replace(node.value, '[]'));
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

/** What an import that waits would be lifted and lowered by; others do it themselves. */
function isFlatConversion(node: Extract<AnyNode, { type: 'Property' }>): boolean {
  return (
    node.key.type === 'Identifier' &&
    (node.key.name === 'paramLiftFns' || node.key.name === 'resultLowerFns') &&
    node.value.type === 'ArrayExpression'
  );
}
