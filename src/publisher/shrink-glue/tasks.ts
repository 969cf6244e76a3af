// Takes jco's tasks out of glue. They are there for calls that wait, and nothing waits; each call makes two objects of
// forty fields for them. What they also do for calls that run straight through is done by our functions (tasks-source):
// one component is entered at a time, and each call has context slots of its own. Scopes of borrowed handles between
// composed components, and the built-in functions of waiting, need tasks: such glue keeps all of them.

/* oxlint-disable typescript/switch-exhaustiveness-check -- each switch knows a few of the 70 kinds of nodes */

import type { AnyNode, Function as FunctionNode } from 'acorn';
import { walk, type ScopedModule } from '../glue-scope.ts';
import { instantiateOf, keepOnly, nameOf, replace, textOf, type Edit } from './edits.ts';
import { TASK_BODIES, TASKS_SOURCE } from './tasks-source.ts';

/** Uses of these make tasks matter. */
const NEEDS_TASKS =
  /^(?:resourceTransferBorrow|rscTableCreateBorrow|_suspendingImport|_liftFlat\w+|_lowerFlat\w+|(?:waitable|subtask|task|stream|future|errorContext|backpressure|thread)[A-Z]\w*)$/;

/** Variables of a function that only its task needs. */
const TASK_VARIABLES = new Set(['hostProvided', 'parentTask', 'task', 'subtask', 'createTask', 'started']);

/** The edits, none where tasks matter. Throws where jco's statements about a task are of another form. */
export function dropTasks(module: ScopedModule): Edit[] {
  const outermost = instantiateOf(module.program).body;
  if (needsTasks(module, outermost)) return [];
  const top = outermost.start + 1;
  const edits: Edit[] = [{ start: top, end: top, text: TASKS_SOURCE }];
  const owners = new Map<string, string>();
  for (const statement of outermost.body) {
    if (statement.type === 'FunctionDeclaration') {
      const body = TASK_BODIES[statement.id.name];
      if (body !== undefined) edits.push(replace(statement.body, body));
      else if (declaresTask(statement)) edits.push(...enterExport(module, statement));
    } else if (statement.type === 'VariableDeclaration') {
      for (const { id, init } of statement.declarations) {
        if (id.type !== 'Identifier' || !init) continue;
        if (isImport(id.name)) edits.push(...callHost(module, init));
        else edits.push(...lowerImport(module, init, owners));
      }
    } else if (isNameOfImport(statement)) edits.push(replace(statement, ';'));
  }
  // The check that a component may leave stands first in the function that leaves it.
  for (const statement of outermost.body) {
    if (statement.type !== 'VariableDeclaration') continue;
    for (const { id, init } of statement.declarations) {
      const owner = id.type === 'Identifier' ? owners.get(id.name) : undefined;
      if (owner === undefined || init?.type !== 'FunctionExpression') continue;
      const at = init.body.start + 1;
      edits.push({ start: at, end: at, text: `_checkMayLeave(${owner});` });
    }
  }
  return edits;
}

function needsTasks(module: ScopedModule, outermost: AnyNode): boolean {
  return [...(module.scopes.get(outermost)?.values() ?? [])].some(
    ({ name, references, declaration }) =>
      NEEDS_TASKS.test(name) &&
      references.some((use) => !isWithin(module, use, declaration) && !isWithinOwn(module, use)),
  );
}

/** Whether `node` is a part of `outer`. */
function isWithin(module: ScopedModule, node: AnyNode, outer: AnyNode): boolean {
  for (let at: AnyNode | undefined = node; at !== undefined; at = module.parents.get(at)) {
    if (at === outer) return true;
  }
  return false;
}

/** Whether a function or class that jco writes into every glue uses it, which says nothing about this one. */
function isWithinOwn(module: ScopedModule, node: AnyNode): boolean {
  let outermost: AnyNode | undefined;
  for (let at: AnyNode | undefined = node; at !== undefined; at = module.parents.get(at)) {
    if (at.type === 'FunctionDeclaration' || at.type === 'ClassDeclaration') outermost = outermost ?? at;
  }
  return (
    (outermost?.type === 'ClassDeclaration' || outermost?.type === 'FunctionDeclaration') &&
    !declaresTask(outermost) &&
    outermost.id?.name !== 'instantiate' &&
    !/^trampoline\d+$/.test(outermost.id?.name ?? '')
  );
}

const isImport = (name: string): boolean => /^_trampoline\d+$/.test(name);

/** `const [task, id] = createNewCurrentTask(…)` in an export's function. */
function declaresTask(node: AnyNode): boolean {
  if (node.type !== 'FunctionDeclaration') return false;
  return node.body.body.some(
    (each) => each.type === 'VariableDeclaration' && each.declarations[0]?.id.type === 'ArrayPattern',
  );
}

/** `_trampoline0.fnName = '…'` */
function isNameOfImport(node: AnyNode): boolean {
  return (
    node.type === 'ExpressionStatement' &&
    node.expression.type === 'AssignmentExpression' &&
    node.expression.left.type === 'MemberExpression' &&
    nameOf(node.expression.left) === 'fnName'
  );
}

/** `let trampoline0 = _lowerImportBackwardsCompat.bind(null, { …, importFn: _trampoline0 })` */
function lowerImport(module: ScopedModule, init: AnyNode, owners: Map<string, string>): Edit[] {
  if (init.type !== 'CallExpression' || init.callee.type !== 'MemberExpression') return [];
  const { object } = init.callee;
  if (object.type !== 'Identifier' || object.name !== '_lowerImportBackwardsCompat') return [];
  const description = init.arguments[1];
  const fields = new Map<string, string>();
  if (description?.type === 'ObjectExpression') {
    for (const property of description.properties) {
      if (property.type === 'Property' && property.key.type === 'Identifier')
        fields.set(property.key.name, textOf(module, property.value));
    }
  }
  const name = fields.get('importFn');
  const owner = fields.get('componentIdx');
  if (name === undefined || owner === undefined || owners.has(name) || !isImport(name))
    throw new Error('an import is lowered in another form');
  if (fields.get('isAsync') !== 'false' || fields.get('funcTypeIsAsync') !== 'false')
    throw new Error('an import waits');
  owners.set(name, owner);
  return [replace(init, name)];
}

/** The function of an import: lifts, calls the host, lowers. */
function callHost(module: ScopedModule, init: AnyNode): Edit[] {
  if (init.type !== 'FunctionExpression') return [];
  return [...dropStatements(init), ...runStraight(module, init.body, '')];
}

/** The function of an export: enters, lowers, calls the guest, lifts, leaves. */
function enterExport(module: ScopedModule, node: Extract<AnyNode, { type: 'FunctionDeclaration' }>): Edit[] {
  const { body } = node.body;
  const last = body.at(-1);
  const call = last?.type === 'ReturnStatement' ? last.argument : undefined;
  const runs = call && closureOf(call);
  const [attempt] = runs?.body.type === 'BlockStatement' ? runs.body.body : [];
  const entry = body.find((each) => each.type === 'ExpressionStatement');
  const owner = entry && ownerOf(module, entry);
  if (last === undefined || attempt?.type !== 'TryStatement' || owner === undefined)
    throw new Error('an export has another form');
  return [
    { start: node.body.start + 1, end: last.start, text: `_enterComponent(${owner});` },
    { start: last.start, end: attempt.block.start + 1, text: '' },
    { start: attempt.block.end - 1, end: last.end, text: '' },
    ...runStraight(module, attempt.block, '_leaveComponent();'),
  ];
}

/** The index in `getOrCreateAsyncState(0).throwIfTrapped()`. */
function ownerOf(module: ScopedModule, entry: AnyNode): string | undefined {
  const call = entry.type === 'ExpressionStatement' ? entry.expression : undefined;
  const member = call?.type === 'CallExpression' ? call.callee : undefined;
  const state = member?.type === 'MemberExpression' ? member.object : undefined;
  const index = state?.type === 'CallExpression' ? state.arguments[0] : undefined;
  return index && textOf(module, index);
}

/** What a function of an import says about its task before it calls the host. */
function dropStatements(node: FunctionNode & AnyNode): Edit[] {
  if (node.body.type !== 'BlockStatement') return [];
  return node.body.body.flatMap((each) => {
    if (each.type === 'LabeledStatement') return [replace(each, '')];
    if (each.type !== 'VariableDeclaration') return [];
    const { id } = each.declarations[0] ?? {};
    return id?.type === 'Identifier' && TASK_VARIABLES.has(id.name) ? [replace(each, '')] : [];
  });
}

/** What is left of `block` without tasks; `exit` is what stands where the task ended. */
function runStraight(module: ScopedModule, block: AnyNode, exit: string): Edit[] {
  const edits: Edit[] = [];
  walk(block, (node) => {
    switch (node.type) {
      case 'TryStatement': {
        const { handler } = node;
        if (!handler || !rethrows(handler.body)) return true;
        edits.push(
          { start: node.start, end: node.block.start, text: '' },
          { start: node.block.end, end: node.end, text: '' },
        );
        edits.push(...runStraight(module, node.block, exit));
        return false;
      }
      case 'CallExpression': {
        if (node.callee.type === 'Identifier' && isTaskCall(node.callee.name)) {
          const closure = closureOf(node);
          if (closure === undefined) throw new Error('a call has another form');
          edits.push(...keepOnly(node, closure.body));
          edits.push(...runStraight(module, closure.body, exit));
          return false;
        }
        if (node.callee.type === 'MemberExpression' && nameOf(node.callee) === 'markTrapped')
          edits.push(replace(node.callee, '_isTrap'));
        return true;
      }
      case 'ExpressionStatement':
        edits.push(...dropTaskCall(node, exit));
        return true;
      case 'VariableDeclaration': {
        const [declarator] = node.declarations;
        if (declarator?.init && stateOf(declarator.init) !== undefined) {
          edits.push(replace(node, ';'));
          edits.push(...setMayLeave(module, node, declarator.init));
        }
        return true;
      }
      default:
        return true;
    }
  });
  return edits;
}

const isTaskCall = (name: string): boolean =>
  name === '_withGlobalCurrentTaskMeta' || name === '_trackHostOperation';

/** The function of no parameters that is all of a call's argument, or its `fn`. */
function closureOf(node: AnyNode): Extract<AnyNode, { type: 'ArrowFunctionExpression' }> | undefined {
  const argument = node.type === 'CallExpression' ? node.arguments[0] : undefined;
  if (argument?.type === 'ArrowFunctionExpression') return argument;
  if (argument?.type !== 'ObjectExpression') return undefined;
  for (const property of argument.properties) {
    if (property.type !== 'Property' || property.key.type !== 'Identifier' || property.key.name !== 'fn')
      continue;
    if (property.value.type === 'ArrowFunctionExpression') return property.value;
  }
  return undefined;
}

/** Whether a `catch` tells the task and throws on. */
function rethrows(body: Extract<AnyNode, { type: 'BlockStatement' }>): boolean {
  const last = body.body.at(-1);
  return last?.type === 'ThrowStatement' && last.argument.type === 'Identifier';
}

/** `task.resolve([…])` and `task.exit()` */
function dropTaskCall(node: Extract<AnyNode, { type: 'ExpressionStatement' }>, exit: string): Edit[] {
  const call = node.expression;
  if (call.type !== 'CallExpression' || call.callee.type !== 'MemberExpression') return [];
  const { object } = call.callee;
  if (object.type !== 'Identifier' || object.name !== 'task') return [];
  return [replace(node, nameOf(call.callee) === 'exit' ? exit : ';')];
}

/** The component's index in `getOrCreateAsyncState(0)`. */
function stateOf(init: AnyNode): AnyNode | undefined {
  if (init.type !== 'CallExpression' || init.callee.type !== 'Identifier') return undefined;
  return init.callee.name === 'getOrCreateAsyncState' ? init.arguments[0] : undefined;
}

/** `cstate.mayLeave = false` around post-return, on the flags that core modules and imports share. */
function setMayLeave(
  module: ScopedModule,
  declaration: Extract<AnyNode, { type: 'VariableDeclaration' }>,
  init: AnyNode,
): Edit[] {
  const index = stateOf(init);
  const [declarator] = declaration.declarations;
  const binding = declarator?.id.type === 'Identifier' ? module.bindings.get(declarator.id) : undefined;
  if (index === undefined || binding === undefined) return [];
  const flags = `instanceFlags${textOf(module, index)}`;
  const outermost = module.scopes.get(instantiateOf(module.program).body);
  return binding.references.flatMap((use) => {
    const member = module.parents.get(use);
    const assignment = member && module.parents.get(member);
    const statement = assignment && module.parents.get(assignment);
    if (statement?.type !== 'ExpressionStatement' || assignment?.type !== 'AssignmentExpression')
      throw new Error('a component may leave in another form');
    const value = textOf(module, assignment.right) === 'true' ? 1 : 0;
    return [replace(statement, outermost?.has(flags) ? `${flags}.value = ${value};` : ';')];
  });
}
