// Puts our functions (lowering-source) in the places where jco's glue writes into a guest's memory: numbers, and strings
// that it allocates. A place of another form stays as it is; the glue check then refuses the glue.

import type { AnyNode } from 'acorn';
import { walk, type ScopedModule } from '../glue-scope.ts';
import { nameOf, replace, textOf, type Edit } from './edits.ts';
import { writerOf } from './lowering-source.ts';

const ENCODERS: Readonly<Record<string, string>> = {
  _utf8AllocateAndEncode: '_lowerUtf8',
  _utf16AllocateAndEncode: '_lowerUtf16',
};

/** The edits of a glue that has `LOWERING_SOURCE` in it. */
export function noteWrites(module: ScopedModule): Edit[] {
  const edits: Edit[] = [];
  walk(module.program, (node) => {
    if (node.type !== 'CallExpression') return;
    const { callee } = node;
    if (callee.type === 'Identifier') {
      const lower = ENCODERS[callee.name];
      if (lower !== undefined) edits.push(replace(callee, lower));
      return;
    }
    const writer = callee.type === 'MemberExpression' ? writerOf(nameOf(callee) ?? '') : undefined;
    if (writer === undefined || callee.type !== 'MemberExpression') return;
    const memory = memoryOf(module, callee.object);
    const [address, value] = node.arguments;
    if (memory === undefined || address === undefined || value === undefined) return;
    // Around the arguments, which may hold calls of their own.
    edits.push({ start: node.start, end: address.start, text: `${writer}(${memory}, ` });
    edits.push({ start: value.end, end: node.end, text: ')' });
  });
  return edits;
}

/**
 * The memory of `dataView(memory0)`, of `new DataView(exports0.memory.buffer)`, or of a variable that holds such a view,
 * as text.
 */
function memoryOf(module: ScopedModule, view: AnyNode): string | undefined {
  if (view.type === 'Identifier') {
    const declaration = module.bindings.get(view)?.declaration;
    const init = declaration?.type === 'VariableDeclarator' ? declaration.init : undefined;
    return init?.type === 'NewExpression' ? memoryOf(module, init) : undefined;
  }
  if (view.type === 'CallExpression') {
    const [memory] = view.arguments;
    const isView = view.callee.type === 'Identifier' && view.callee.name === 'dataView';
    return isView && memory !== undefined ? textOf(module, memory) : undefined;
  }
  if (view.type !== 'NewExpression' || view.callee.type !== 'Identifier') return undefined;
  const [buffer] = view.arguments;
  if (view.callee.name !== 'DataView' || buffer?.type !== 'MemberExpression') return undefined;
  return nameOf(buffer) === 'buffer' ? textOf(module, buffer.object) : undefined;
}
