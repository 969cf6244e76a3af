// Whether the component's own part of glue does only work that its guest pays for: each loop is bounded by a number that
// jco's and our functions took fuel for, each copy or text of guest memory comes from one of them, and nothing calls
// itself. What is left without fuel is as long as the text of the glue. Questions only; glue-check asks and refuses.

/* oxlint-disable typescript/switch-exhaustiveness-check -- each switch knows a few of the 70 kinds of nodes */

import type { AnyNode, CallExpression, Identifier, MemberExpression, NewExpression } from 'acorn';
import { isFunction, type Binding } from './glue-scope.ts';
import { GlueShapes, isNumberLiteral, nameOfMember } from './glue-shapes.ts';

const MEMORY = /^memory\d+$/;
const IMPORT = /^_trampoline\d+$/;
const WRITER = /^_set[A-Z]\w+$/;

/** Bytes of an element of a list of numbers. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  Int8Array: 1,
  Uint8Array: 1,
  Int16Array: 2,
  Uint16Array: 2,
  Int32Array: 4,
  Uint32Array: 4,
  Float32Array: 4,
  BigInt64Array: 8,
  BigUint64Array: 8,
  Float64Array: 8,
};

/** What a node of glue costs, judged by its resolved names and its neighbours. */
export class GlueCosts extends GlueShapes {
  /**
   * `const n = _admitElements(memory0, pointer, length, 64, 8); … for (let i = 0; i < n; i++) { const base = pointer + i *
   * 64; … }` in one block, or `_countElements(list)` for a host's list: what was paid bounds one loop, once.
   */
  protected isPaidLoop(node: Extract<AnyNode, { type: 'ForStatement' }>): boolean {
    if (this.counterOf(node) === undefined || node.test?.type !== 'BinaryExpression') return false;
    const { right } = node.test;
    const binding = right.type === 'Identifier' ? this.module.bindings.get(right) : undefined;
    if (binding?.kind !== 'const' || binding.references.length !== 1) return false;
    const { declaration } = binding;
    const call = declaration.type === 'VariableDeclarator' ? declaration.init : undefined;
    const statement = this.module.parents.get(declaration);
    if (call?.type !== 'CallExpression' || statement === undefined) return false;
    if (this.module.parents.get(statement) !== this.module.parents.get(node)) return false;
    if (this.module.parents.get(node)?.type !== 'BlockStatement') return false;
    if (this.isCallOf(call, '_countElements')) return call.arguments[0]?.type === 'Identifier';
    return this.isCallOf(call, '_admitElements') && this.readsElements(node, call);
  }

  /** Whether the loop's elements are those that `_admitElements` was given. */
  private readsElements(
    node: Extract<AnyNode, { type: 'ForStatement' }>,
    admission: CallExpression,
  ): boolean {
    const [memory, pointer, length, size, alignment, ...others] = admission.arguments;
    if (others.length > 0 || pointer?.type !== 'Identifier' || length?.type !== 'Identifier') return false;
    if (!memory || !this.isMemory(memory) || !isPositive(size) || !isPositive(alignment)) return false;
    const [first] = node.body.type === 'BlockStatement' ? node.body.body : [];
    const base = first?.type === 'VariableDeclaration' ? first.declarations[0]?.init : undefined;
    if (base?.type !== 'BinaryExpression' || base.operator !== '+' || base.left.type !== 'Identifier')
      return false;
    const offset = base.right;
    return (
      this.module.bindings.get(base.left) === this.module.bindings.get(pointer) &&
      offset.type === 'BinaryExpression' &&
      offset.operator === '*' &&
      offset.left.type === 'Identifier' &&
      this.module.bindings.get(offset.left) === this.counterOf(node) &&
      offset.right.type === 'Literal' &&
      size?.type === 'Literal' &&
      offset.right.value === size.value
    );
  }

  /** `for (const v of _payElements(list))` */
  protected isPaidEach(node: Extract<AnyNode, { type: 'ForOfStatement' }>): boolean {
    const { left, right } = node;
    return (
      !node.await &&
      left.type === 'VariableDeclaration' &&
      right.type === 'CallExpression' &&
      this.isCallOf(right, '_payElements') &&
      right.arguments[0]?.type === 'Identifier'
    );
  }

  /** `new Float64Array(_liftBytes(memory0, pointer, length, 8))`, or the bytes of a host's typed array, not copied. */
  protected override isPaidView(node: NewExpression, name: string): boolean {
    const [content, offset, length, ...others] = node.arguments;
    if (others.length > 0) return false;
    if (content?.type === 'CallExpression') {
      const [memory, pointer, count, size] = content.arguments;
      return (
        offset === undefined &&
        this.isCallOf(content, '_liftBytes') &&
        content.arguments.length === 4 &&
        memory !== undefined &&
        this.isMemory(memory) &&
        pointer?.type === 'Identifier' &&
        count?.type === 'Identifier' &&
        size?.type === 'Literal' &&
        size.value === ELEMENT_BYTES[name]
      );
    }
    return (
      content?.type === 'LogicalExpression' &&
      content.left.type === 'MemberExpression' &&
      nameOfMember(content.left) === 'buffer' &&
      offset?.type === 'MemberExpression' &&
      nameOfMember(offset) === 'byteOffset' &&
      length !== undefined
    );
  }

  /** Whether `.buffer` is that of a memory where it is only looked into, or that of a host's typed array. */
  protected isBufferInPlace(node: MemberExpression): boolean {
    const parent = this.module.parents.get(node);
    const { object } = node;
    if (parent?.type === 'LogicalExpression')
      return object.type === 'Identifier' && this.module.bindings.get(object)?.scope !== this.body;
    if (parent?.type === 'MemberExpression') return nameOfMember(parent) === 'byteLength';
    return (
      parent?.type === 'NewExpression' &&
      parent.callee.type === 'Identifier' &&
      parent.callee.name === 'DataView' &&
      this.isFreeIdentifier(parent.callee)
    );
  }

  /** Once instances are made, a guest's exports are called or looked into; none gets another name. */
  protected isExportInPlace(node: MemberExpression): boolean {
    const parent = this.module.parents.get(node);
    if (this.isOutermost(node)) return true;
    if (parent?.type === 'CallExpression') return parent.callee === node || this.isWriter(parent);
    return parent?.type === 'MemberExpression' && nameOfMember(parent) === 'buffer';
  }

  /** The same for a memory, which jco's functions are given. */
  protected isMemoryInPlace(node: Identifier, binding: Binding, parent: AnyNode): boolean {
    if (!MEMORY.test(binding.name) || binding.scope !== this.body || this.isOutermost(node)) return true;
    if (parent.type === 'ArrowFunctionExpression') return parent.body === node;
    if (parent.type === 'MemberExpression') return nameOfMember(parent) === 'buffer';
    return parent.type === 'CallExpression' && parent.callee !== node;
  }

  /** Functions of ours that lift: the memory is one of the component's, and the rest are plain variables. */
  protected isLiftInPlace(node: CallExpression): boolean {
    if (node.callee.type !== 'Identifier') return true;
    const memories = MEMORIES_OF[node.callee.name];
    if (memories === undefined) return true;
    return node.arguments.every((argument, index) =>
      memories.includes(index) ? this.isMemory(argument) : argument.type === 'Identifier',
    );
  }

  /** `memory0`, which is a core export and nothing else ever. */
  private isMemory(node: AnyNode): boolean {
    const binding = node.type === 'Identifier' ? this.module.bindings.get(node) : undefined;
    return binding !== undefined && MEMORY.test(binding.name) && this.isCoreVariable(binding);
  }

  /** Whether all that a variable ever holds is one export of the guest's. */
  private isCoreVariable(binding: Binding): boolean {
    const { declaration } = binding;
    if (binding.scope !== this.body || declaration.type !== 'VariableDeclarator' || declaration.init)
      return false;
    return binding.references.every((use) => {
      const by = this.module.parents.get(use);
      if (by?.type === 'UpdateExpression') return false;
      if (by?.type === 'Property') return this.module.parents.get(by)?.type !== 'ObjectPattern';
      if (by?.type === 'ArrayPattern' || (by?.type === 'ForOfStatement' && by.left === use)) return false;
      if (by?.type !== 'AssignmentExpression' || by.left !== use) return true;
      return (
        by.operator === '=' &&
        by.right.type === 'MemberExpression' &&
        this.isCoreExports(by.right.object) &&
        this.isOutermost(by)
      );
    });
  }

  /** Whether a function that is called by name is a host's, a guest's, or jco's: none of them is the caller. */
  protected isCalleeInPlace(callee: Identifier): boolean {
    const binding = this.module.bindings.get(callee);
    if (binding === undefined || this.isOwn(binding) || this.isCoreVariable(binding)) return true;
    const { declaration } = binding;
    if (binding.scope === this.module.parents.get(this.body)) return true;
    if (declaration.type !== 'VariableDeclarator') return false;
    if (this.isImport(declaration.init ?? undefined)) return true;
    return this.isLeaf(binding) && !this.isInLeaf(callee);
  }

  /** `const createTask = () => { … }`, which is only called, and calls none of its kind. */
  private isLeaf(binding: Binding): boolean {
    const { declaration } = binding;
    return (
      binding.kind === 'const' &&
      declaration.type === 'VariableDeclarator' &&
      declaration.id.type === 'Identifier' &&
      declaration.init?.type === 'ArrowFunctionExpression' &&
      declaration.init.params.length === 0 &&
      binding.references.every((use) => {
        const call = this.module.parents.get(use);
        return call?.type === 'CallExpression' && call.callee === use;
      })
    );
  }

  private isInLeaf(node: AnyNode): boolean {
    for (let at = this.module.parents.get(node); at !== undefined; at = this.module.parents.get(at)) {
      if (at.type === 'ArrowFunctionExpression' && this.module.parents.get(at)?.type === 'VariableDeclarator')
        return true;
    }
    return false;
  }

  /** Whether a function stands where only the host, the guest or jco can call it, or its own block. */
  protected isFunctionInPlace(node: AnyNode): boolean {
    const parent = this.module.parents.get(node);
    if (node.type === 'FunctionDeclaration') return parent === this.body;
    if (parent?.type === 'VariableDeclarator' && parent.id.type === 'Identifier') {
      if (IMPORT.test(parent.id.name)) return this.isOutermost(parent);
      const binding = this.module.bindings.get(parent.id);
      return binding !== undefined && this.isLeaf(binding);
    }
    let argument = node;
    let at = parent;
    while (at?.type === 'Property' || at?.type === 'ObjectExpression' || at?.type === 'ArrayExpression') {
      argument = at;
      at = this.module.parents.get(at);
    }
    if (at?.type !== 'CallExpression' || at.callee === argument) return false;
    const { callee } = at;
    const maker =
      callee.type === 'MemberExpression' && nameOfMember(callee) === 'bind' ? callee.object : callee;
    if (maker.type !== 'Identifier') return false;
    return maker.name === 'instantiateCore' || this.isOwn(this.module.bindings.get(maker));
  }

  /** Imports' and exports' functions are handed on when an instance is made; none can take one later. */
  protected isHandedOn(node: Identifier, binding: Binding): boolean {
    const { declaration } = binding;
    if (binding.scope !== this.body || this.isOwn(binding)) return true;
    if (declaration.type === 'FunctionDeclaration' && declaration.id === node) return true;
    const isFunctionName =
      declaration.type === 'FunctionDeclaration' ||
      (declaration.type === 'VariableDeclarator' &&
        declaration.init !== null &&
        declaration.init !== undefined &&
        (isFunction(declaration.init) || /^_?trampoline\d+$/.test(binding.name)));
    return !isFunctionName || this.isOutermost(node);
  }

  /** Whether a call is of one of our functions that write a number into a memory. */
  private isWriter({ callee }: CallExpression): boolean {
    return (
      callee.type === 'Identifier' && WRITER.test(callee.name) && this.isOwn(this.module.bindings.get(callee))
    );
  }

  private isCallOf(call: CallExpression, name: string): boolean {
    const { callee } = call;
    return (
      callee.type === 'Identifier' && callee.name === name && this.isOwn(this.module.bindings.get(callee))
    );
  }
}

/** Which arguments of functions that lift are memories. */
const MEMORIES_OF: Readonly<Record<string, readonly number[]>> = {
  _liftUtf8: [0],
  _liftUtf16: [0],
  _copyUtf8: [0, 3],
  _lowerBytes: [0],
};

function isPositive(node: AnyNode | undefined): boolean {
  return isNumberLiteral(node) && node?.type === 'Literal' && Number(node.value) > 0;
}
