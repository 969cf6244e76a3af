// Puts our functions (lifting-source) in the places where jco's glue takes something out of guest memory whose size the
// guest chooses: strings, lists of numbers, lists by element, copies between memories. Loops over a host's list are paid
// as well, so that no loop of glue is free. A place of another form stays as it is; the glue check then refuses the glue.

/* oxlint-disable typescript/switch-exhaustiveness-check -- each switch knows a few of the 70 kinds of nodes */

import type { AnyNode, ForStatement } from 'acorn';
import { walk, type ScopedModule } from '../glue-scope.ts';
import { nameOf, replace, textOf, type Edit } from './edits.ts';

const DECODERS: Readonly<Record<string, string>> = {
  TEXT_DECODER_UTF8: '_liftUtf8',
  utf16Decoder: '_liftUtf16',
};
const MEMORY = /^memory\d+$/;

/** The edits of a glue that has `LIFTING_SOURCE` in it. */
export function chargeLifting(module: ScopedModule): Edit[] {
  const edits: Edit[] = [];
  walk(module.program, (node) => {
    switch (node.type) {
      case 'CallExpression':
        edits.push(...liftString(module, node));
        return;
      case 'NewExpression':
        edits.push(...liftNumbers(module, node));
        return;
      case 'ForStatement':
        edits.push(...admitElements(module, node));
        return;
      case 'ForOfStatement':
        edits.push(...payForEach(module, node));
        return;
      case 'ExpressionStatement':
        edits.push(...copyBytes(module, node));
        return;
      default:
    }
  });
  return edits;
}

/** `decoder.decode(new Uint8Array(memory0.buffer, pointer, length))` */
function liftString(module: ScopedModule, node: Extract<AnyNode, { type: 'CallExpression' }>): Edit[] {
  const { callee } = node;
  if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier') return [];
  const lift = nameOf(callee) === 'decode' ? DECODERS[callee.object.name] : undefined;
  const span = lift === undefined ? undefined : spanOfView(module, node.arguments[0]);
  return span === undefined
    ? []
    : [replace(node, `${lift}(${span.memory}, ${span.pointer}, ${span.length})`)];
}

/** The parts of `new Uint8Array(memory0.buffer, pointer, length)`, as text. */
function spanOfView(module: ScopedModule, node: AnyNode | undefined) {
  if (node?.type !== 'NewExpression' || node.arguments.length !== 3) return undefined;
  const [buffer, pointer, length] = node.arguments;
  const memory = memoryOf(buffer);
  if (memory === undefined || pointer === undefined || length === undefined) return undefined;
  return { memory, pointer: textOf(module, pointer), length: textOf(module, length) };
}

/** The name of the memory whose buffer `node` is. */
function memoryOf(node: AnyNode | undefined): string | undefined {
  if (node?.type !== 'MemberExpression' || nameOf(node) !== 'buffer') return undefined;
  const { object } = node;
  return object.type === 'Identifier' && MEMORY.test(object.name) ? object.name : undefined;
}

/** `memory0.buffer.slice(pointer, pointer + length * 4)` in `new Uint32Array(…)` */
function liftNumbers(module: ScopedModule, node: Extract<AnyNode, { type: 'NewExpression' }>): Edit[] {
  const [call] = node.arguments;
  if (call?.type !== 'CallExpression' || call.callee.type !== 'MemberExpression') return [];
  const memory = nameOf(call.callee) === 'slice' ? memoryOf(call.callee.object) : undefined;
  const [pointer, end] = call.arguments;
  if (memory === undefined || pointer?.type !== 'Identifier' || end?.type !== 'BinaryExpression') return [];
  const { right } = end;
  if (right.type !== 'BinaryExpression' || right.left.type !== 'Identifier') return [];
  const size = textOf(module, right.right);
  return [
    replace(call, `_liftBytes(${memory}, ${pointer.name}, ${right.left.name}, ${size})`),
    ...alignmentChecks(module, node, pointer.name).map((check) => replace(check.statement, ';')),
  ];
}

/** `for (let i = 0; i < len8; i++) { const base = base8 + i * 64; … }`, whose alignment is checked before. */
function admitElements(module: ScopedModule, node: ForStatement & AnyNode): Edit[] {
  const { test, body } = node;
  if (test?.type !== 'BinaryExpression') return [];
  if (test.right.type === 'MemberExpression') return payForElements(module, node, test.right);
  if (test.right.type !== 'Identifier') return [];
  if (body.type !== 'BlockStatement') return [];
  const [first] = body.body;
  const start = first?.type === 'VariableDeclaration' ? first.declarations[0]?.init : undefined;
  if (start?.type !== 'BinaryExpression' || start.left.type !== 'Identifier') return [];
  const memory = memoryIn(body);
  if (start.right.type !== 'BinaryExpression' || memory === undefined) return [];
  const [check] = alignmentChecks(module, node, start.left.name);
  if (check === undefined) return [];
  const size = textOf(module, start.right.right);
  const admitted = `admitted${node.start}`;
  const span = `${memory}, ${start.left.name}, ${test.right.name}, ${size}, ${check.alignment}`;
  return [
    replace(check.statement, `const ${admitted} = _admitElements(${span});`),
    replace(test.right, admitted),
  ];
}

/** `for (let i = 0; i < vec8.length; i++)`: over a host's list. */
function payForElements(
  module: ScopedModule,
  node: ForStatement & AnyNode,
  bound: Extract<AnyNode, { type: 'MemberExpression' }>,
): Edit[] {
  const { object } = bound;
  if (object.type !== 'Identifier' || nameOf(bound) !== 'length' || !isOfComponent(module, node)) return [];
  const counted = `counted${node.start}`;
  return [
    { start: node.start, end: node.start, text: `const ${counted} = _countElements(${object.name});` },
    replace(bound, counted),
  ];
}

/** `for (const v of val0)`: over a host's array. */
function payForEach(module: ScopedModule, node: Extract<AnyNode, { type: 'ForOfStatement' }>): Edit[] {
  const { right } = node;
  if (right.type !== 'Identifier' || !isOfComponent(module, node)) return [];
  return [replace(right, `_payElements(${right.name})`)];
}

/** Whether a node is in a function of this component's imports and exports, rather than in one of jco's own. */
function isOfComponent(module: ScopedModule, node: AnyNode): boolean {
  for (let at: AnyNode | undefined = node; at !== undefined; at = module.parents.get(at)) {
    if (
      at.type === 'VariableDeclarator' &&
      at.id.type === 'Identifier' &&
      /^_trampoline\d+$/.test(at.id.name)
    )
      return true;
    if (at.type === 'FunctionDeclaration' && at.id?.name !== 'instantiate')
      return at.body.body.some(
        (each) => each.type === 'VariableDeclaration' && each.declarations[0]?.id.type === 'ArrayPattern',
      );
  }
  return false;
}

/** The memory that `body` reads: one, that of the function's options. */
function memoryIn(body: AnyNode): string | undefined {
  let memory: string | undefined;
  walk(body, (node) => {
    if (node.type === 'Identifier' && MEMORY.test(node.name)) memory ??= node.name;
    return memory === undefined;
  });
  return memory;
}

/** `if (base8 % 4 !== 0) throw …` before `node` in its block. */
function alignmentChecks(module: ScopedModule, node: AnyNode, pointer: string) {
  let statement: AnyNode = node;
  let block = module.parents.get(statement);
  while (block !== undefined && block.type !== 'BlockStatement') {
    statement = block;
    block = module.parents.get(statement);
  }
  const before = block?.body.slice(0, block.body.indexOf(statement as never)) ?? [];
  return before
    .flatMap((each) => {
      if (each.type !== 'IfStatement' || each.consequent.type !== 'ThrowStatement') return [];
      const remainder = each.test.type === 'BinaryExpression' ? each.test.left : undefined;
      if (remainder?.type !== 'BinaryExpression' || remainder.operator !== '%') return [];
      const { left, right } = remainder;
      if (left.type !== 'Identifier' || left.name !== pointer) return [];
      return [{ statement: each, alignment: textOf(module, right) }];
    })
    .slice(-1);
}

/** Between memories, and of a host's typed array into one. */
function copyBytes(module: ScopedModule, node: Extract<AnyNode, { type: 'ExpressionStatement' }>): Edit[] {
  const call = node.expression;
  if (call.type !== 'CallExpression' || call.callee.type !== 'MemberExpression') return [];
  const [content] = call.arguments;
  if (nameOf(call.callee) !== 'set' || content === undefined || call.arguments.length !== 1) return [];
  const source = spanOfView(module, content);
  const direct = spanOfView(module, call.callee.object);
  if (direct !== undefined && source !== undefined) {
    const { memory, pointer, length } = source;
    return [
      replace(node, `_copyUtf8(${memory}, ${pointer}, ${length}, ${direct.memory}, ${direct.pointer});`),
    ];
  }
  const view = declaratorOf(module, call.callee.object);
  const span = view && spanOfView(module, view.init ?? undefined);
  const declaration = view && module.parents.get(view);
  if (span === undefined || declaration === undefined || content.type !== 'Identifier') return [];
  return [
    replace(declaration, ';'),
    replace(node, `_lowerBytes(${span.memory}, ${span.pointer}, ${content.name});`),
  ];
}

function declaratorOf(module: ScopedModule, node: AnyNode) {
  if (node.type !== 'Identifier') return undefined;
  const declaration = module.bindings.get(node)?.declaration;
  return declaration?.type === 'VariableDeclarator' ? declaration : undefined;
}
