// Resources in jco's glue: handles are checked where they are read, tables have an end, and what jco does for handles
// that it does not know goes.

import type { AnyNode } from 'acorn';
import { walk, type ScopedModule } from '../glue-scope.ts';
import { nameOf, replace, textOf, type Edit } from './edits.ts';

/** What jco's functions on tables do first, and of how many of their parameters. */
const GUARDS: Readonly<Record<string, readonly [guard: string, parameters: number]>> = {
  rscTableCreateOwn: ['_admitHandle', 1],
  rscTableCreateBorrow: ['_admitHandle', 1],
  rscTableRemove: ['_requireHandle', 2],
  rscTableGet: ['_requireHandle', 2],
};

/** The edits of a glue that has `LIFTING_SOURCE` in it. */
export function checkHandles(module: ScopedModule): Edit[] {
  const edits: Edit[] = [];
  walk(module.program, (node) => {
    if (node.type === 'BinaryExpression') edits.push(...readHandle(module, node));
    else if (node.type === 'FunctionDeclaration') edits.push(...guardTable(module, node));
    else if (node.type === 'IfStatement') edits.push(...dropUnknown(module, node));
    else if (isOfBorrows(node)) edits.push(replace(node, ';'));
  });
  return edits;
}

/** `handleTable0[(handle1 << 1) + 1] & ~T_FLAG` */
function readHandle(module: ScopedModule, node: Extract<AnyNode, { type: 'BinaryExpression' }>): Edit[] {
  const { left, right } = node;
  if (node.operator !== '&' || left.type !== 'MemberExpression' || right.type !== 'UnaryExpression')
    return [];
  const { object, property } = left;
  if (object.type !== 'Identifier' || !/^handleTable\d+$/.test(object.name)) return [];
  const shifted = property.type === 'BinaryExpression' ? property.left : undefined;
  if (shifted?.type !== 'BinaryExpression' || shifted.operator !== '<<') return [];
  return [replace(node, `_repOf(${object.name}, ${textOf(module, shifted.left)})`)];
}

/** jco's functions on tables check no handle and know no end. */
function guardTable(module: ScopedModule, node: Extract<AnyNode, { type: 'FunctionDeclaration' }>): Edit[] {
  const [guard, parameters] = GUARDS[node.id?.name ?? ''] ?? [];
  if (guard === undefined) return [];
  const params = node.params.slice(0, parameters).map((param) => textOf(module, param));
  const at = node.body.start + 1;
  return [{ start: at, end: at, text: `${guard}(${params.join(', ')});` }];
}

/**
 * `if (!rsc0) { rsc0 = Object.create(Thing.prototype); … }`: a resource of a handle that the table does not have, where
 * there is now a trap. A known handle has the object that the host gave.
 */
function dropUnknown(module: ScopedModule, node: Extract<AnyNode, { type: 'IfStatement' }>): Edit[] {
  const [first] = node.consequent.type === 'BlockStatement' ? node.consequent.body : [];
  const made =
    first?.type === 'ExpressionStatement' && first.expression.type === 'AssignmentExpression'
      ? first.expression.right
      : undefined;
  if (made?.type !== 'CallExpression' || made.callee.type !== 'MemberExpression') return [];
  if (nameOf(made.callee) !== 'create') return [];
  return [replace(node, node.alternate ? textOf(module, node.alternate) : ';')];
}

/** What jco keeps to forget the handles of such resources after the call. */
function isOfBorrows(node: AnyNode): boolean {
  if (node.type === 'ForOfStatement') return isBorrows(node.right);
  if (node.type !== 'ExpressionStatement') return false;
  const { expression } = node;
  if (expression.type === 'AssignmentExpression') return isBorrows(expression.left);
  return (
    expression.type === 'CallExpression' &&
    expression.callee.type === 'MemberExpression' &&
    isBorrows(expression.callee.object)
  );
}

const isBorrows = (node: AnyNode): boolean =>
  node.type === 'Identifier' && node.name === 'curResourceBorrows';
