// A guest for every operator that only computes: it is run over and over, chained where its result is its own operand,
// on values that make it slow. Covers all of the cost classes that straight code is made of.

import { IMMEDIATE_CODE, IMMEDIATE_OF } from '../../src/publisher/meter/operator-tables.ts';
import { IMMEDIATES, OPERATORS, type Operator } from '../../src/publisher/meter/operators.ts';
import type { CoreGuest } from './core-guests.ts';

const REPEATS = 48;

const TYPES: Readonly<Record<string, string>> = { i: 'i32', I: 'i64', f: 'f32', F: 'f64', v: 'v128' };

/** Operand values by type: integers that divide slowly, floats that are denormal, huge, or no number. */
const VALUES: readonly {
  readonly name: string;
  readonly of: Readonly<Record<string, readonly [string, string]>>;
}[] = [
  {
    name: 'denormal',
    of: {
      i: ['0x7fffffff', '3'],
      I: ['0x7fffffffffffffff', '3'],
      f: ['0x1.8p-140', '0x1p-3'],
      F: ['0x1.8p-1060', '0x1p-3'],
      v: ['i64x2 0x0001800000018000 0x0008000000018000', 'i64x2 0x0000400000004000 0x0000000000004001'],
    },
  },
  {
    name: 'large',
    of: {
      i: ['-1', '0x10001'],
      I: ['-1', '0x100000001'],
      f: ['0x1.fffffep+30', '0x1.000002p+0'],
      F: ['0x1.fffffffffffffp+62', '0x1.0000000000001p+0'],
      v: ['i64x2 0x7f7fffff7f7ffffe 0x41dfffffffc00001', 'i64x2 0x3f8000013f800001 0x3ff0000000000001'],
    },
  },
  {
    name: 'NaN',
    of: {
      i: ['4093', '1'],
      I: ['4093', '1'],
      f: ['nan', '1'],
      F: ['nan', '1'],
      v: ['i64x2 0x7ff8000000000000 0x7fc000007fc00000', 'i64x2 0xfff8000000000000 0x7fc000007fc00000'],
    },
  },
];

/** Operators that pop and push numbers, with immediates that text can be made up for. */
const STRAIGHT = OPERATORS.filter(
  ({ pops, pushes, shaped, name }) =>
    !shaped && /^[iIfFv]*$/.test(pops + pushes) && pops !== '' && !/^(?:memory|table)\.|\.drop$/.test(name),
);

/** All storms. Some trap at once, for their operands are out of the operator's range. */
export function createStorms(): readonly CoreGuest[] {
  return STRAIGHT.flatMap((operator) =>
    VALUES.flatMap(({ name, of }) => {
      const [first] = operator.pops;
      const chained = first !== undefined && operator.pushes === first;
      const storm = (kind: string, body: string): CoreGuest => ({
        name: `${operator.name}, ${name}, ${kind}`,
        wat: `(module (memory 1) (func (export "run")
          ${Object.values(TYPES)
            .map((type) => `(local $${type} ${type}) (local $${type}b ${type})`)
            .join(' ')}
          ${Object.entries(of)
            .map(
              ([letter, [a, b]]) =>
                `(local.set $${TYPES[letter]} (${TYPES[letter]}.const ${a})) (local.set $${TYPES[letter]}b (${TYPES[letter]}.const ${b}))`,
            )
            .join('\n')}
          (loop $again ${body} (br $again))))`,
      });
      const text = textOf(operator);
      const fresh = operandsOf(operator, 0) + text + (operator.pushes === '' ? '' : ' drop');
      const storms = [storm('fresh', `${fresh}\n`.repeat(REPEATS))];
      if (chained) {
        const step = `${operandsOf(operator, 1)} ${text}\n`;
        const local = TYPES[first] ?? '';
        storms.push(storm('chained', `local.get $${local} ${step.repeat(REPEATS)} local.set $${local}`));
      }
      return storms;
    }),
  );
}

function operandsOf({ pops, immediate }: Operator, from: number): string {
  return Array.from(pops)
    .map((letter, index) => {
      // Addresses are near the end of a page, so that all that is wider than two bytes crosses it.
      if (index === 0 && immediate.startsWith('memarg')) return '(i32.const 4094)';
      return `(local.get $${TYPES[letter]}${index === 0 ? '' : 'b'})`;
    })
    .slice(from)
    .join(' ');
}

function textOf({ id, name }: Operator): string {
  const immediate = IMMEDIATES[IMMEDIATE_OF[id] ?? IMMEDIATE_CODE.none];
  if (immediate === 'lane' || immediate === 'memarg+lane') return ` ${name} 1`;
  if (immediate === 'shuffle') return ` ${name} 31 1 29 3 27 5 25 7 23 9 21 11 19 13 17 15`;
  return ` ${name}`;
}
