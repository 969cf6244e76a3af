// Core modules in glue: our file names for those that jco wrote, and those out of the text that it wrote inline.

import type { NewExpression } from 'acorn';
import { walk, type ScopedModule } from '../glue-scope.ts';
import { nameOf, replace, textOf, type Edit } from './edits.ts';

/**
 * Gives core modules our file names and takes inline ones out of the text, into `inline`. Throws where one is unknown or
 * of another form.
 */
export function nameModules(
  module: ScopedModule,
  names: ReadonlyMap<string, string>,
  inline: Uint8Array[],
): Edit[] {
  const edits: Edit[] = [];
  walk(module.program, (node) => {
    if (
      node.type === 'CallExpression' &&
      node.callee.type === 'Identifier' &&
      node.callee.name === 'getCoreModule'
    ) {
      const file = node.arguments[0];
      const name = file?.type === 'Literal' ? names.get(String(file.value)) : undefined;
      if (file === undefined || name === undefined)
        throw new Error(`unknown core module ${textOf(module, node)}`);
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
