// Edits of a text on its syntax tree: what they are, how they are made, and the questions about nodes that passes ask.
// Edits are made on nodes, never by searching text, for the text holds names that a guest chose.

import type { AnyNode } from 'acorn';
import { isFunction, parseModule, walk, type ScopedModule } from '../glue-scope.ts';

/** A span of the source and what stands there afterwards. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Parses `source` and makes the edits that `collect` finds in it. Throws acorn's `SyntaxError`. */
export function rewrite(source: string, collect: (module: ScopedModule) => Edit[]): string {
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

/** Puts `text` in the place of `node`. */
export function replace(node: AnyNode, text: string): Edit {
  return { start: node.start, end: node.end, text };
}

/** Leaves of `node` what lies within `inner`. */
export function keepOnly(node: AnyNode, inner: AnyNode): Edit[] {
  return [
    { start: node.start, end: inner.start, text: '' },
    { start: inner.end, end: node.end, text: '' },
  ];
}

/** The source of a node. */
export function textOf({ source }: ScopedModule, node: AnyNode): string {
  return source.slice(node.start, node.end);
}

/** The function `instantiate` that a glue exports; throws where there is none. */
export function instantiateOf(
  program: ScopedModule['program'],
): Extract<AnyNode, { type: 'FunctionDeclaration' }> {
  for (const node of program.body) {
    if (node.type !== 'ExportNamedDeclaration') continue;
    const { declaration } = node;
    if (declaration?.type === 'FunctionDeclaration' && declaration.id.name === 'instantiate') {
      return declaration;
    }
  }
  throw new Error('the glue exports no instantiate');
}

/** The name of `a.name`; undefined for `a['name']`. */
export function nameOf(node: Extract<AnyNode, { type: 'MemberExpression' }>): string | undefined {
  return !node.computed && node.property.type === 'Identifier' ? node.property.name : undefined;
}

export function contains(outer: AnyNode, inner: AnyNode): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

/** Whether `owner` itself, not a function in it, holds such a node. */
export function hasOwn<T extends AnyNode['type']>(
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
