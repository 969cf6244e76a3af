// A function with a loop keeps the fuel counter in a local and writes it back and reads it again around calls and exits.
// Where it forgets to, a charge is lost or made twice: so the same body must cost the same in a function with a loop as in
// one without, and the first one's extra is the same for every body.

import { describe, expect, it } from 'vitest';
import { MUCH_DEPTH, runText } from '../../fixtures/meter-run.ts';

const FILL = 'i32.const 0 i32.const 1 i32.const 5000 memory.fill';
const COPY = 'i32.const 0 i32.const 9 i32.const 6000 memory.copy';
const GROW = 'i32.const 1 memory.grow drop';
const GROW_TABLE = 'ref.null extern i32.const 3 table.grow $x drop';
const LONG = 'local.get 0 i32.const 3 i32.div_u drop '.repeat(12);

/** Bodies of `(param i32) (result i32)`, without loops. */
const BODIES: Readonly<Record<string, string>> = {
  nothing: 'i32.const 1',
  'a call': 'call $work',
  'two calls': 'call $work call $work i32.add',
  'two calls through a table':
    'i32.const 0 call_indirect (type $w) i32.const 0 call_indirect (type $w) i32.add',
  'a fill between calls': `call $work drop ${FILL} call $work`,
  'a fill after a call': `call $work ${FILL}`,
  'a fill before a call': `${FILL} call $work`,
  'fills and copies around calls': `${FILL} call $work drop ${COPY} ${FILL} call $work drop ${COPY} i32.const 1`,
  'growing between calls': `call $work drop ${GROW} call $work`,
  'growing after a call': `call $work ${GROW}`,
  'growing a table between calls': `call $work drop ${GROW_TABLE} call $work`,
  'growing by too much between calls': 'call $work drop i32.const -1 memory.grow drop call $work',
  'a call, then br out of a block': 'block (result i32) call $work br 0 end',
  'a call, then br past work': `block call $work drop br 0 end ${LONG} i32.const 1`,
  'a call, then br_if that is taken': `block call $work drop i32.const 1 br_if 0 ${LONG} end ${LONG} i32.const 1`,
  'a call, then br_if that is not taken': `block call $work drop i32.const 0 br_if 0 ${LONG} end ${LONG} i32.const 1`,
  'a call, then br_table': `block block call $work br_table 0 1 0 end ${LONG} end ${LONG} i32.const 1`,
  'a call, then br_table by default': `block block call $work drop i32.const 9 br_table 0 0 1 end ${LONG} end i32.const 1`,
  'a call, then return': 'call $work return',
  'a call, then br to the function': 'call $work br 0',
  'a call, then br_if to the function': `call $work i32.const 1 br_if 0 ${LONG}`,
  'a call, then br_if to the function that is not taken': `call $work i32.const 0 br_if 0 ${LONG}`,
  'a call, then br_table to the function': 'block (result i32) call $work local.get 0 br_table 0 1 0 end',
  'a call in the arm of an if that runs': `local.get 0 if call $work drop else ${LONG} end ${LONG} i32.const 1`,
  'a call in the arm of an if that does not run': `local.get 0 i32.eqz if call $work drop else ${LONG} end ${LONG} i32.const 1`,
  'a call in an if without else, run': `local.get 0 if call $work drop end ${LONG} i32.const 1`,
  'a call in an if without else, not run': `local.get 0 i32.eqz if call $work drop end ${LONG} i32.const 1`,
  'short arms, a call in one and then a call': `local.get 0 if call $work drop end call $work`,
  'short arms, the other one, then a call': `local.get 0 i32.eqz if call $work drop end call $work`,
  'a fill in a short arm, between calls': `call $work drop local.get 0 if ${FILL} end call $work`,
  'a fill in a short arm that does not run, between calls': `call $work drop local.get 0 i32.eqz if ${FILL} end call $work`,
  'an empty arm after a call, then a call': 'call $work drop local.get 0 if nop else nop end call $work',
  'a call in front of an if with a call in each arm': `call $work if (result i32) call $work else ${LONG} call $work end`,
  'a block that is left from two places': `block call $work drop local.get 0 br_if 0 call $work drop br 0 end ${LONG} i32.const 1`,
  'a block that is left early or late': `block call $work drop local.get 0 i32.eqz br_if 0 call $work drop end call $work`,
  'a block that a short way skips, then a call': 'block local.get 0 br_if 0 call $work drop end call $work',
  'a call and an exit in the middle of an if': `local.get 0 if call $work drop i32.const 2 return end ${LONG} i32.const 1`,
  'an exit that is not taken': `local.get 0 i32.eqz if i32.const 2 return end call $work`,
};

function moduleText(body: string, loop: string): string {
  return `(module
    (type $w (func (result i32)))
    (memory 1 100) (table $t 1 funcref) (table $x 1 1000 externref) (elem (table $t) (i32.const 0) func $work)
    (func $work (type $w) ${LONG.replaceAll('local.get 0', 'i32.const 77')} i32.const 1)
    (func (export "f") (param i32) (result i32) ${loop} ${body}))`;
}

describe('the counter in a local', () => {
  for (const [name, body] of Object.entries(BODIES)) {
    it(`loses nothing and charges nothing twice: ${name}`, async () => {
      const inGlobal = await runText(moduleText(body, ''));
      const inLocal = await runText(moduleText(body, 'loop end'));
      const [bareGlobal, bareLocal] = await Promise.all([
        runText(moduleText('i32.const 1', '')),
        runText(moduleText('i32.const 1', 'loop end')),
      ]);
      const extra = bareLocal.fuelOf('f', 1) - bareGlobal.fuelOf('f', 1);
      const need = inLocal.fuelOf('f', 1);
      // Both tell regions apart alike; the loop's end may part what would be one region, which charges no more.
      expect(need - inGlobal.fuelOf('f', 1)).toBe(extra);
      expect(inLocal.globals.depth).toBe(MUCH_DEPTH);
      const fresh = await runText(moduleText(body, 'loop end'));
      expect(fresh.isExhausted(need, 'f', 1)).toBe(false);
      expect(fresh.globals.fuel).toBe(0n);
      const short = await runText(moduleText(body, 'loop end'));
      expect(short.isExhausted(need - 1, 'f', 1)).toBe(true);
    });
  }

  it('is in the global when a trap ends the call exhausted, wherever it stood', async () => {
    const run = await runText(moduleText(`call $work drop ${FILL} ${GROW} call $work`, 'loop end'));
    const need = run.fuelOf('f', 1);
    for (let fuel = 0; fuel < need; fuel += 7) {
      expect(run.isExhausted(fuel, 'f', 1), String(fuel)).toBe(true);
    }
  });
});
