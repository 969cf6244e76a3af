// Where the operands of a guest's stack come from, as far as the text shows: a local that has not been written since, or a
// constant. What is not known to come from one of them comes from anywhere.

const ANYWHERE = -1;
const CONSTANT = -2;

/** What an operand is: the value that `local` still has, a constant, or anything. */
export type Origin =
  | { readonly kind: 'local'; readonly local: number; readonly version: number }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'anywhere' };

const UNKNOWN: Origin = { kind: 'anywhere' };

/** Origins by height on the stack. A local's version changes with each write of it, in the order of the text. */
export class OperandOrigins {
  /** By height: a local, or one of the two above. */
  private readonly sources: number[] = [];
  /** By height: the local's version when it was read, or the constant. */
  private readonly values: number[] = [];
  /** By local. Never set back, since versions of other functions are other numbers. */
  private readonly versions: number[] = [];
  private lastVersion = 0;

  /** Operands from `from` up to `to` were pushed by something. */
  push(from: number, to: number): void {
    for (let height = from; height < to; height += 1) this.sources[height] = ANYWHERE;
  }

  /** The operand at `height` is what `local` holds. */
  setLocal(height: number, local: number): void {
    this.sources[height] = local;
    this.values[height] = this.versions[local] ?? 0;
  }

  /** The operand at `height` is an i32 constant. */
  setConstant(height: number, value: number): void {
    this.sources[height] = CONSTANT;
    this.values[height] = value;
  }

  /** A local was written: what was read from it before is another value. */
  assign(local: number): void {
    this.lastVersion += 1;
    this.versions[local] = this.lastVersion;
  }

  /** What the operand at `height` is now. */
  at(height: number): Origin {
    const source = this.sources[height] ?? ANYWHERE;
    const value = this.values[height] ?? 0;
    if (source === CONSTANT) return { kind: 'constant', value };
    if (source === ANYWHERE || (this.versions[source] ?? 0) !== value) return UNKNOWN;
    return { kind: 'local', local: source, version: value };
  }
}
