// Fingerprints of declarations in glue. jco writes its own functions word for word into every glue; a fingerprint is
// the hash of such a declaration whatever its local names are, so that the check can tell jco's text from others'.

/* oxlint-disable typescript/switch-exhaustiveness-check -- each switch knows a few of the 70 kinds of nodes */

import { createHash } from 'node:crypto';
import type { AnyNode, ClassDeclaration, FunctionDeclaration, VariableDeclarator } from 'acorn';
import { childrenOf, type ScopedModule } from './glue-scope.ts';

/** What can be declared directly in `instantiate`. */
export type Unit = FunctionDeclaration | ClassDeclaration | VariableDeclarator;

/** Characters of a fingerprint, 6 bits each: 120 bits leave no second preimage. */
const LENGTH = 20;

/**
 * Fingerprints of a declaration by name: `name` of a function, a variable or a class without its members, and
 * `name.member` for each member of a class, since methods that nothing uses are left out.
 */
export function fingerprintsOf(module: ScopedModule, unit: Unit): [name: string, fingerprint: string][] {
  const name = unit.id.type === 'Identifier' ? unit.id.name : '';
  if (unit.type !== 'ClassDeclaration') return [[name, hash(canonicalText(module, unit))]];
  const prints: [string, string][] = [
    [name, hash(`class ${unit.superClass ? canonicalText(module, unit.superClass) : ''}`)],
  ];
  for (const member of unit.body.body) {
    const key = member.type === 'StaticBlock' || member.computed ? undefined : member.key;
    const label = key?.type === 'Identifier' ? key.name : key?.type === 'PrivateIdentifier' ? '#' : '?';
    prints.push([`${name}.${label}`, hash(canonicalText(module, member))]);
  }
  return prints;
}

/** The tree as text: local and private names by order of appearance, outer names and everything else as they are. */
function canonicalText(module: ScopedModule, unit: AnyNode): string {
  const locals = new Map<unknown, number>();
  const indexOf = (key: unknown): number => {
    const index = locals.get(key) ?? locals.size;
    locals.set(key, index);
    return index;
  };
  const isInside = (scope: AnyNode): boolean => unit.start <= scope.start && scope.end <= unit.end;
  const emit = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(emit).join()}]`;
    if (typeof value !== 'object' || value === null) return `${typeof value}:${JSON.stringify(value) ?? ''}`;
    const node = value as AnyNode;
    switch (node.type) {
      case 'Identifier': {
        const binding = module.bindings.get(node);
        if (binding === undefined) return `name:${node.name}`;
        return isInside(binding.scope) ? `local:${indexOf(binding)}` : `outer:${node.name}`;
      }
      case 'PrivateIdentifier':
        return `private:${indexOf(`#${node.name}`)}`;
      case 'Literal':
        return `literal:${typeof node.value}:${JSON.stringify(node.bigint ?? node.regex ?? node.value)}`;
      case 'TemplateElement':
        return `chunk:${JSON.stringify(node.value.cooked)}`;
      default:
    }
    if (node.type === 'LabeledStatement') indexOf(`label ${node.label.name}`);
    const fields = Object.entries(node).filter(([field]) => !['start', 'end', 'loc', 'type'].includes(field));
    const text = fields.map(([field, child]) =>
      field === 'label' && child
        ? `label:${indexOf(`label ${(child as { name: string }).name}`)}`
        : emit(child),
    );
    return `${node.type}(${text.join()})`;
  };
  return emit(unit);
}

/** Every declaration directly in `body`, the body of `instantiate`. */
export function unitsOf(body: AnyNode): Unit[] {
  return childrenOf(body).flatMap((node): Unit[] => {
    if (node.type === 'VariableDeclaration') return node.declarations;
    if (node.type === 'FunctionDeclaration' && node.id) return [node];
    if (node.type === 'ClassDeclaration' && node.id) return [node];
    return [];
  });
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, LENGTH);
}
