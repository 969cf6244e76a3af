// Leaves out what no call can reach: declarations that nothing uses, and methods of jco's classes that nothing names.
// What is left is judged afterwards (glue-check); nothing here is trusted to remove an attack.

/* oxlint-disable typescript/switch-exhaustiveness-check -- each switch knows a few of the 70 kinds of nodes */

import type { AnyNode, NewExpression } from 'acorn';
import { walk, type Binding, type ScopedModule } from '../glue-scope.ts';
import { contains, instantiateOf, nameOf, replace, type Edit } from './edits.ts';

/** jco's own classes, whose methods only jco's code calls. Others may be a guest's resources. */
const INTERNAL_CLASSES =
  /^(?:Waitable|WaitableSet|RepTable|ComponentAsyncState|AsyncSubtask|AsyncTask|FutureValue|Internal\w+|Host\w+|\w*(?:Stream|Future)(?:Readable|Writable)\w*)$/;

/** Methods that the language calls by itself. */
const IMPLICIT_METHODS = new Set(['constructor', 'then', 'next', 'return', 'throw', 'toString', 'valueOf']);

/** Drops declarations that nothing uses and methods of jco's classes that nothing names. */
export function dropDead(module: ScopedModule): Edit[] {
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
