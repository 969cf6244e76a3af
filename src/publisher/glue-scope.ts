// Names in a JavaScript module: which declaration each identifier means. Glue is attacker-influenced text, so what
// may run is decided on resolved names, never on spelling. Covers modules (strict code) only.

/* oxlint-disable typescript/switch-exhaustiveness-check -- each switch knows a few of the 70 kinds of nodes */

import { parse, type AnyNode, type Identifier, type Program } from 'acorn';

/** One declared name. */
export interface Binding {
  readonly name: string;
  readonly kind: 'var' | 'let' | 'const' | 'function' | 'class' | 'param' | 'catch' | 'import';
  /** The declarator, function, class, clause or parameter owner that declares it. */
  readonly declaration: AnyNode;
  /** The function, block, loop, class or program in which it can be seen. */
  readonly scope: AnyNode;
  /** Every use, without the declaring identifier itself. */
  readonly references: Identifier[];
}

/** A parsed module with its names resolved. */
export interface ScopedModule {
  readonly source: string;
  readonly hasComments: boolean;
  readonly program: Program;
  /** Binding of each identifier that is a use or a declaration; free ones are absent. */
  readonly bindings: ReadonlyMap<Identifier, Binding>;
  /** Uses that no declaration of the module answers. */
  readonly free: readonly Identifier[];
  readonly parents: ReadonlyMap<AnyNode, AnyNode>;
  /** Names declared directly in a scope. */
  readonly scopes: ReadonlyMap<AnyNode, ReadonlyMap<string, Binding>>;
}

/** Parses a module; throws acorn's `SyntaxError` where it is none. Lines and columns are known only where they are told. */
export function parseModule(source: string, { locations = false } = {}): ScopedModule {
  let hasComments = false;
  const program = parse(source, {
    ecmaVersion: 'latest',
    sourceType: 'module',
    locations,
    onComment: () => {
      hasComments = true;
    },
  });
  return { source, hasComments, ...resolveNames(program) };
}

/** The nodes directly below `node`, in source order of their fields. */
export function childrenOf(node: AnyNode): AnyNode[] {
  const children: AnyNode[] = [];
  // A third of what shrinking glue takes: a loop over names makes no list of values first.
  for (const name in node) {
    const value = (node as unknown as Readonly<Record<string, unknown>>)[name];
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const item of value as unknown[]) if (isNode(item)) children.push(item);
    } else if (isNode(value)) children.push(value);
  }
  return children;
}

/** Visits `node` and everything below it; `visit` answers false to leave a subtree out. */
export function walk(node: AnyNode, visit: (node: AnyNode) => boolean | void): void {
  if (visit(node) === false) return;
  for (const child of childrenOf(node)) walk(child, visit);
}

/** Whether `node` is a function of any form. */
export function isFunction(
  node: AnyNode,
): node is Extract<
  AnyNode,
  { type: 'FunctionDeclaration' | 'FunctionExpression' | 'ArrowFunctionExpression' }
> {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  );
}

/** The identifiers that a pattern declares or assigns. */
export function namesOfPattern(pattern: AnyNode): Identifier[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        namesOfPattern(property.type === 'RestElement' ? property.argument : property.value),
      );
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => (element === null ? [] : namesOfPattern(element)));
    case 'AssignmentPattern':
      return namesOfPattern(pattern.left);
    case 'RestElement':
      return namesOfPattern(pattern.argument);
    default:
      return [];
  }
}

function isNode(value: unknown): value is AnyNode {
  return (
    typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
  );
}

function resolveNames(program: Program): Omit<ScopedModule, 'source' | 'hasComments'> {
  const scopes = new Map<AnyNode, Map<string, Binding>>();
  const parents = new Map<AnyNode, AnyNode>();
  const bindings = new Map<Identifier, Binding>();
  const free: Identifier[] = [];

  const declare = (scope: AnyNode, name: Identifier, kind: Binding['kind'], declaration: AnyNode): void => {
    const names = scopes.get(scope) ?? new Map<string, Binding>();
    scopes.set(scope, names);
    // A `var` or function that is declared twice is one binding.
    const binding = names.get(name.name) ?? { name: name.name, kind, declaration, scope, references: [] };
    names.set(name.name, binding);
    bindings.set(name, binding);
  };

  const collect = (node: AnyNode, block: AnyNode, hoist: AnyNode): void => {
    let innerBlock = block;
    let innerHoist = hoist;
    if (isFunction(node)) {
      if (node.type === 'FunctionDeclaration') {
        if (node.id !== null) declare(block, node.id, 'function', node);
      } else if (node.type === 'FunctionExpression' && node.id) declare(node, node.id, 'function', node);
      for (const param of node.params)
        for (const name of namesOfPattern(param)) declare(node, name, 'param', node);
      innerBlock = node;
      innerHoist = node.body;
    } else if (node.type === 'ClassDeclaration' && node.id !== null) declare(block, node.id, 'class', node);
    else if (node.type === 'ClassExpression' && node.id) {
      declare(node, node.id, 'class', node);
      innerBlock = node;
    } else if (node.type === 'VariableDeclaration') {
      for (const declarator of node.declarations) {
        const kind = node.kind === 'var' ? 'var' : node.kind === 'let' ? 'let' : 'const';
        for (const name of namesOfPattern(declarator.id))
          declare(kind === 'var' ? hoist : block, name, kind, declarator);
      }
    } else if (node.type === 'CatchClause') {
      if (node.param) for (const name of namesOfPattern(node.param)) declare(node, name, 'catch', node);
      innerBlock = node;
    } else if (
      node.type === 'ImportSpecifier' ||
      node.type === 'ImportDefaultSpecifier' ||
      node.type === 'ImportNamespaceSpecifier'
    ) {
      declare(program, node.local, 'import', node);
    } else if (node.type === 'StaticBlock') {
      innerBlock = node;
      innerHoist = node;
    } else if (isBlockScope(node)) innerBlock = node;
    for (const child of childrenOf(node)) {
      parents.set(child, node);
      collect(child, innerBlock, innerHoist);
    }
  };

  const resolve = (node: AnyNode, chain: readonly AnyNode[]): void => {
    const inner = scopes.has(node) ? [...chain, node] : chain;
    if (node.type === 'Identifier' && !bindings.has(node) && isReference(node, parents.get(node))) {
      let found: Binding | undefined;
      for (let i = inner.length - 1; i >= 0 && found === undefined; i -= 1) {
        const scope = inner[i];
        if (scope !== undefined) found = scopes.get(scope)?.get(node.name);
      }
      if (found === undefined) free.push(node);
      else {
        bindings.set(node, found);
        found.references.push(node);
      }
    }
    for (const child of childrenOf(node)) resolve(child, inner);
  };

  collect(program, program, program);
  resolve(program, []);
  return { program, bindings, free, parents, scopes };
}

function isBlockScope(node: AnyNode): boolean {
  return (
    node.type === 'BlockStatement' ||
    node.type === 'ForStatement' ||
    node.type === 'ForInStatement' ||
    node.type === 'ForOfStatement' ||
    node.type === 'SwitchStatement'
  );
}

/** Whether an identifier names a variable, rather than a property, a label or an export. */
function isReference(node: Identifier, parent: AnyNode | undefined): boolean {
  switch (parent?.type) {
    case 'MemberExpression':
      return parent.object === node || parent.computed;
    case 'Property':
      return parent.value === node || parent.computed;
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return parent.value === node || parent.computed;
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
    case 'ImportSpecifier':
      return false;
    case 'ExportSpecifier':
      return parent.local === node;
    default:
      return true;
  }
}
