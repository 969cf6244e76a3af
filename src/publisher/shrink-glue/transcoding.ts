// Composed components may encode strings differently, and jco's glue then puts each string into the other form: without a
// bound, without fuel for it, and without refusing what is no UTF-8 or UTF-16. The glue check takes none of that; here it is
// refused in words that say what to do.

import { walk, type ScopedModule } from '../glue-scope.ts';
import type { Edit } from './edits.ts';

/** jco's names for what it gives to the modules between composed components. */
const TRAMPOLINE = /^trampoline\d+$/;

/** No edits. Throws where strings are put from one encoding into another. */
export function refuseTranscoding(module: ScopedModule): Edit[] {
  walk(module.program, (node) => {
    if (node.type !== 'FunctionDeclaration' || !TRAMPOLINE.test(node.id?.name ?? '')) return true;
    walk(node.body, (inner) => {
      if (inner.type !== 'NewExpression' || inner.callee.type !== 'Identifier') return;
      if (inner.callee.name === 'TextDecoder' || inner.callee.name === 'TextEncoder')
        throw new Error(
          'it composes components that encode strings differently; build all of them for UTF-8',
        );
    });
    return false;
  });
  return [];
}
