// Tests of src/publisher/glue-check: every benign form passes, every attack is refused. Attacks are spliced into
// real glue where jco writes a core export's name, as if the first gate did not exist.

import { assert, constantFrom, property } from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { fingerprintsOf, unitsOf } from '../../src/publisher/glue-fingerprint.ts';
import { checkGlue } from '../../src/publisher/glue-check.ts';
import { INTRINSICS } from '../../src/publisher/glue-intrinsics.ts';
import { parseModule } from '../../src/publisher/glue-scope.ts';
import { type Transpiled } from '../../src/publisher/transpile.ts';
import { transpileComponent } from '../fixtures/shared-tools.ts';
import { buildDummies, buildHostile, buildMinimal, buildQuickJs } from '../fixtures/glue-components.ts';

const HOSTILE_EXPORT = "validate'] ?? (globalThis.PWNED = typeof process), exports0['validate2";

/** Stands for the names of a component before they are known. */
class AnyName extends Set<string> {
  override has(): boolean {
    return true;
  }
}

const corpus = new Map<string, Transpiled>();

async function add(name: string, component: Uint8Array): Promise<void> {
  const result = await transpileComponent(component, new AnyName());
  expect(result, name).toMatchObject({ ok: true });
  if (result.ok) corpus.set(name, result.value);
}

function coreNamesOf({ coreModules }: Transpiled): Set<string> {
  return new Set(
    coreModules.flatMap((bytes) => {
      const module = new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>);
      return WebAssembly.Module.exports(module).map(({ name }) => name);
    }),
  );
}

function glueOf(name: string): string {
  return corpus.get(name)?.glue ?? '';
}

/** Names that attacks may use freely: what a component can call its core exports and still pass the first gate. */
const NAMES = new Set(
  `constructor validate con structor at call memory cabi_realloc wasmpay:platform/validation@0.1.0#validate
  cabi_post_wasmpay:platform/validation@0.1.0#validate`.split(/\s+/),
);

function refuses(glue: string): boolean {
  const faults = checkGlue(glue, NAMES);
  return faults.length > 0 && faults.every(({ code }) => code === 'glue_rejected');
}

beforeAll(async () => {
  await add('minimal', await buildMinimal());
  for (const [name, component] of await buildDummies()) await add(name, component);
  await add('QuickJS', await buildQuickJs('sync'));
  await add('QuickJS, with reasons', await buildQuickJs('sync', '0.2.0'));
  await add('QuickJS, async runtime', await buildQuickJs('async'));
  await add('QuickJS, small', await buildQuickJs('sync-small'));
  await add('QuickJS, composed with stubs', await buildQuickJs('sync-stubbed'));
}, 300_000);

describe('checkGlue', () => {
  it('accepts the glue of every benign component with its own core names', () => {
    for (const [name, transpiled] of corpus)
      expect(checkGlue(transpiled.glue, coreNamesOf(transpiled)), name).toEqual([]);
    expect(corpus.size).toBe(14);
  });

  it('knows exactly the functions that jco writes for the corpus', () => {
    const found = new Map<string, Set<string>>();
    for (const { glue } of corpus.values()) {
      const module = parseModule(glue);
      const declaration = module.program.body[0];
      const instantiate =
        declaration?.type === 'ExportNamedDeclaration' ? declaration.declaration : undefined;
      if (instantiate?.type !== 'FunctionDeclaration') throw new Error('no instantiate');
      for (const unit of unitsOf(instantiate.body)) {
        if (unit.id.type === 'Identifier' && unit.id.name === 'module0') break;
        for (const [name, print] of fingerprintsOf(module, unit))
          found.set(name, (found.get(name) ?? new Set<string>()).add(print));
      }
    }
    const table = (entries: ReadonlyMap<string, ReadonlySet<string>>): string =>
      [...entries]
        .map(([name, prints]) => `${name} ${[...prints].sort().join(' ')}`)
        .sort((a, b) => (a < b ? -1 : 1))
        .join('\n');
    expect(table(INTRINSICS)).toBe(table(found));
  });

  it('names the place, the syntax and the excerpt, cut and escaped', () => {
    const [fault] = checkGlue(splice('eval("\u001b[31m")'), NAMES);
    expect(fault).toMatchObject({ code: 'glue_rejected', where: expect.stringMatching(/^glue \d+:\d+$/) });
    expect(fault?.message).not.toContain('\u001b');
  });

  it('refuses text that is no module', () => {
    expect(refuses('export function instantiate(')).toBe(true);
    expect(refuses('')).toBe(true);
  });

  it('refuses a core export that breaks out of its quotes, as jco writes it', async () => {
    const result = await transpileComponent(await buildHostile(HOSTILE_EXPORT), new AnyName());
    expect(result.ok ? [] : result.refusals.map(({ code }) => code)).toContain('glue_rejected');
    const benign = await transpileComponent(await buildHostile('plain'), new Set(['plain']));
    expect(benign.ok).toBe(true);
  });
});

/** Puts an expression into the glue of the minimal component where a core export's name stands. */
function splice(attack: string): string {
  const glue = glueOf('minimal');
  const place = 'exports0["wasmpay:platform/validation@0.1.0#validate"]';
  expect(glue).toContain(place);
  return glue.replace(place, () => `exports0["validate"],${attack},exports0["validate"]`);
}

/** Puts statements before the end of `instantiate`. */
function append(statements: string): string {
  return glueOf('minimal').replace(/return\{validation:/, () => `${statements};return{validation:`);
}

const ATTACKS: Record<string, string> = {
  'function constructor by string': "''['constructor']['constructor']('return process')()",
  'constructor by concatenation': "[]['con'+'structor']",
  'constructor by concatenation of names': "exports0['con'+'structor']",
  'constructor by template': "[][`con${'structor'}`]",
  'constructor by static template': '[][`constructor`]',
  'constructor by member': '(()=>0).constructor("return process")()',
  'constructor by unicode escape': '(()=>0).c\\u006fnstructor',
  'constructor by escaped string': '[]["\\x63onstructor"]',
  'constructor as core export': "exports0['constructor']",
  'constructor by optional chain': "(()=>0)?.['con'+'structor']",
  'constructor by code points': '[][String.fromCharCode(99,111,110)]',
  'constructor by guest memory': '[][TEXT_DECODER_UTF8.decode(new Uint8Array(memory0.buffer,0,11))]',
  'constructor by computed variable': '(e=>[][e])(arg0)',
  'constructor by array index': "[][['constructor'][0]]",
  'method then constructor': "[]['at']['constructor']",
  'constructor through a bound reader': "contextGet.bind(null,{slot:'constructor'})",
  'constructor by destructuring': '(e=>{const{constructor:t}=e})(0)',
  'constructor by computed destructuring': "(e=>{const{['con'+'structor']:t}=e})(0)",
  'constructor by default parameter': "((e=[]['con'+'structor'])=>e)()",
  'constructor by rest': '((...e)=>e)()',
  'constructor by description of a record':
    '_lowerFlatRecord({fieldMetas:[[TEXT_DECODER_UTF8.decode(memory0.buffer),e=>e]]})',
  'constructor by literal description': "_lowerFlatRecord({fieldMetas:[['constructor',e=>e]]})",
  'description through a variable': '(e=>_lowerFlatRecord({fieldMetas:e}))([])',
  'description with an object for a name':
    '_lowerFlatRecord({fieldMetas:[[{toString:()=>TEXT_DECODER_UTF8.decode(memory0.buffer)},e=>e]]})',
  'object that becomes a text of its choice': '({valueOf:()=>1})',
  'own meter': 'init({$meter:{fuel:new WebAssembly.Global({value:"i64",mutable:!0},1n)}})',
  comment: '0/*# sourceMappingURL=file:///etc/passwd */',
  'bind of a variable with the name of a function of jco': '(contextGet=>contextGet.bind(null,0))(0)',
  'alias of a describing function': '(e=>e)(_lowerFlatRecord)',
  'prototype by member': 'Object.create(init.prototype)',
  'prototype of a function': '(()=>0).prototype',
  'prototype by __proto__': '[].__proto__',
  'prototype literal': '({__proto__:exports0})',
  'prototype by getter function': 'exports0.__lookupGetter__',
  'free eval': 'eval("1")',
  'indirect eval': '(0,eval)("1")',
  'free Function': 'Function("return process")()',
  'new Function': 'new Function("return process")()',
  'free globalThis': 'globalThis.PWNED',
  'free process': 'process.env',
  'free self': 'self',
  'free window': 'window.fetch',
  'free require': 'require("fs")',
  'typeof process': 'typeof process',
  'dynamic import': 'import("node:fs")',
  'import meta': 'import.meta.url',
  'Reflect get': "Reflect.get([],'x')",
  'Object values': 'Object.values(imports)',
  'Object assign': 'Object.assign(WebAssembly,{Module:1})',
  'Object alias': '(e=>e)(Object)',
  'Object own descriptor': "Object.getOwnPropertyDescriptor([],'x')",
  'Object create of a literal': 'Object.create({})',
  'Object defineProperty of a name': "Object.defineProperty(exports0,'x',{writable:!0,value:1})",
  'Symbol for': "Symbol.for('x')",
  Proxy: 'new Proxy({},{})',
  Promise: 'Promise.resolve()',
  timer: 'setTimeout(()=>0)',
  fetch: 'fetch("//x")',
  console: 'console.log(1)',
  'Math random': 'Math.random()',
  Date: 'Date.now()',
  'compile in WebAssembly': 'new WebAssembly.Module(new Uint8Array(8))',
  'instance past the meter': 'new WebAssembly.Instance(module0)',
  'WebAssembly alias': '(e=>e)(WebAssembly)',
  'call of a function': '(()=>0).call(0)',
  apply: '(()=>0).apply(0,[])',
  'bind of a host function': 'init.bind(null)',
  'tagged template': '(()=>0)`x`',
  'generator function': '(function*(){})',
  'async function': '(async()=>0)',
  'class expression': '(class{})',
  'class field': "(class{x=[]['con'+'structor']})",
  getter: '({get x(){return 1}})',
  'computed key': "({['con'+'structor']:1})",
  spread: 'init(...[])',
  'regular expression': '/x/.exec("x")',
  this: '(function(){return this})()',
  arguments: '(function(){return arguments})()',
  'new target': '(function(){return new.target})()',
  super: '({m(){return super.x}})',
  delete: 'delete exports0.x',
  'in operator': "'x'in exports0",
  'write to imports': "(imports['wasi:cli/exit']=1)",
  'import out of place': "init(imports['wasi:cli/exit'])",
  'imports as a value': '(e=>e)(imports)',
  'instantiateCore as a value': '(e=>e)(instantiateCore)',
  'instantiateCore with own imports': 'instantiateCore(module0,arg0)',
  'getCoreModule of a path': "getCoreModule('../../x')",
  'write to a function of jco': '(getOrCreateAsyncState=()=>0)',
  'write to a core export': "(exports0['validate']=1)",
  'memory in the host': 'new Uint8Array(4294967295)',
  'long string': "'x'.repeat(1e9)",
  growth: 'memory0.grow(65535)',
  'stack of an error': 'Error.prepareStackTrace',
  'own fuel': '_charge(-1000000)',
  'fuel as a value': 'getCurrentTask(_charge)',
  'write that nobody is told of': 'dataView(memory0).setInt32(0,1,!0)',
  'write by a view of its own': 'new DataView(memory0.buffer).setInt32(0,1,!0)',
  'write by the view of a function of ours': '_viewOf(memory0).setInt32(0,1,!0)',
  'write into the bytes of a function of ours': '(_bytes[0]=1)',
  'marks as a value': 'getCurrentTask(_marks)',
  'mark that is taken back': '(_marks[0]=0)',
  'all marks taken back': '_marks.fill(0)',
  'copy of a memory': 'new Uint8Array(new Uint8Array(memory0.buffer,0,9))',
  'view of a memory': 'new Uint8Array(memory0.buffer,0,9)',
  'slice of a memory': 'memory0.buffer.slice(0,9)',
  'memory by another name': 'new Uint8Array(exports0.memory.buffer||0,exports0.memory.byteOffset,9)',
  'buffer of a memory as a value': 'dataView(memory0).buffer',
};

const STATEMENT_ATTACKS: Record<string, string> = {
  'product of bigints, which doubles their length': 'const b0=BigInt(7);const b1=b0*b0',
  'set of something': 'const zz=new Set(memory0)',
  'map of something': 'const zz=new Map(memory0)',
  'endless while': 'while(1);',
  'endless for': 'for(;;);',
  'for with a counter that goes back': 'for(let i=0;i<memory0;i++)i=0;',
  'do while': 'do{}while(1)',
  'for in': 'for(const k in exports0)exports0[k]',
  'key of a for of': "for(const k of ['con','structor'])[][k]",
  debugger: 'debugger',
  'import of a declaration with computed key': "const{['x']:zz}=imports['wasi:cli/exit']",
  'second declaration of a function of jco': 'function getOrCreateAsyncState(){return 1}',
  'var of a function of jco': 'var dataView2=0;{var getCurrentTask}',
  'description with a table for a name':
    'let handleTable9=TEXT_DECODER_UTF8.decode(memory0.buffer);_lowerFlatRecord({fieldMetas:[[handleTable9,e=>e]]})',
  'other object in the place of core exports': 'let exports9=[];exports9["memory"]',
  'core exports replaced': 'exports0=[]',
  'shadow of a global': 'function Uint8Array(){}',
  'shadow of instantiateCore': 'var instantiateCore=init',
  'nested var': 'if(memory0){var hidden=1}',
  class: 'class Evil{}',
  'name of a function of jco by pattern': "const{a:T_FLAG}=imports['wasi:cli/exit']",
  'counter that is text': "for(let i='constructor';i<memory0;i++)[][i]",
  'loop over a length that nothing was paid for': 'for(let i=0;i<memory0;i++);',
  'loop over a host’s list that nothing was paid for': 'for(let i=0;i<memory0.length;i++);',
  'for of that nothing was paid for': 'for(const e of memory0);',
  'function that calls itself': 'function again(){again()}',
  'function that calls its caller': 'function one(){two()}function two(){one()}',
  'memory by a local name':
    'function copy(){const e=memory0;return new Uint8Array(e.buffer||e,e.byteOffset,9)}',
  'core export by a local name': 'function copy(){const e=exports0.memory;return e}',
  'closure that calls itself': 'const again=()=>{again()}',
  'closure that calls another': 'const one=()=>{},two=()=>{one()}',
  'method that calls itself': 'const all={get:()=>{all.get()}}',
  'parameter that is called': 'function call(e){e(e)}',
  'variable that is called': 'let e;function call(){e()}e=call',
  'core export that is replaced': 'let fake0;function call(){fake0()}fake0=exports0["validate"];fake0=call',
  'promise as result': 'return{then:init}',
  'function as result': 'return()=>0',
};

const MODULE_ATTACKS: Record<string, (glue: string) => string> = {
  'variable that remembers a transaction': (glue) =>
    glue
      .replace(/let exports0/, 'let memo=0;let exports0')
      .replace(/(function validate\(\w+\)\{)/, '$1memo+=1;'),
  'variable that remembers a field of one': (glue) =>
    glue
      .replace(/let exports0/, 'let memo;let exports0')
      .replace(/(function validate\((\w+)\)\{)/, '$1memo=$2.id;'),
  'write by a view in a variable': (glue) =>
    glue.replace(
      /(function validate\(\w+\)\{)/,
      '$1const zz=new DataView(memory0.buffer);zz.setInt32(0,1,!0);',
    ),
  'code after instantiate': (glue) => `${glue};globalThis.PWNED=1`,
  'code before instantiate': (glue) => `var x=(()=>1)();${glue}`,
  'second export': (glue) => `${glue};export const x=1`,
  'default export': (glue) => `${glue};export default 1`,
  'import declaration': (glue) => `import'node:fs';${glue}`,
  'export from': (glue) => `export*from'node:fs';${glue}`,
  'default parameter': (glue) => glue.replace('_marks){', '_marks=eval){'),
  'sixth parameter': (glue) => glue.replace('_marks){', '_marks,e){'),
  'no fifth parameter': (glue) => glue.replace(',_marks){', '){'),
  'async instantiate': (glue) => glue.replace('export function', 'export async function'),
  'change in a function of jco': (glue) =>
    glue.replace('function dataView', 'function dataView').replace('&64512', '&64511'),
  'change in a constant of jco': (glue) => glue.replace('new TextEncoder', 'new TextDecoder'),
};

/** A charge for a list, what stands between, and the loop that it bounds. */
const LOOP =
  /const (\w+)=_admitElements\((\w+),(\w+),(\w+),(\d+,\d+)\);([^{}]*?)(for\(let \w+=0;\w+<\1;\w+\+\+\)\{)/;

/** How a glue could be changed so that a guest pays less than it takes: what, and what stands there instead. */
const CHARGE_ATTACKS: Record<string, [RegExp, (...parts: string[]) => string]> = {
  'charge left out of a function of ours': [/_charge\(256\+\w+\*2\)/, () => '0'],
  'charge halved': [/_charge\(256\+(\w+)\*2\)/, (_, bytes) => `_charge(256+${bytes})`],
  'charge after the copy': [
    /_charge\((256\+\w+\*2)\),(\w+\.buffer\.slice\([^)]*\))/,
    (_, fuel, copy) => `${copy},_charge(${fuel})`,
  ],
  'bounds left out of a function of ours': [/_requireSpan\(\w+,\w+>>>0,/, () => '_repOf(0,0,'],
  'text decoded leniently': [/fatal:!0/, () => 'fatal:!1'],
  'write of a number that is not marked': [/_marks\[\w+>>>12\]=1,/, () => ''],
  'write of a number that is marked in another place': [/_marks\[\w+>>>12\]/, () => '_marks[0]'],
  'write of a string that is marked too short': [
    /([,;])_wrote\((\w+),\w+\)/,
    (_, before, at) => `${before}_wrote(${at},1)`,
  ],
  'more handles': [/>1024/, () => '>4096'],
  'handles not checked': [/_requireHandle\((\w+),(\w+)\);/, () => ';'],
  'handle read without a check': [/_repOf\(handleTable0,(\w+)\)/, (_, of) => `handleTable0[(${of}<<1)+1]`],
  'loop over a length instead of what was paid': [
    LOOP,
    (_, bound, memory, at, length, rest, between, head) =>
      `const ${bound}=_admitElements(${memory},${at},${length},${rest});${between}${head.replace(`<${bound};`, `<${length};`)}`,
  ],
  'loop before the charge': [
    LOOP,
    (_, bound, memory, at, length, rest, between, head) =>
      `${between}${head}break}const ${bound}=_admitElements(${memory},${at},${length},${rest});{`,
  ],
  'charge left out before a loop': [
    LOOP,
    (_, bound, _memory, _at, length, _rest, between, head) => `const ${bound}=${length};${between}${head}`,
  ],
  'charge for a length of one': [/(_admitElements\(memory0,\w+,)\w+,/, (_, start) => `${start}1,`],
  'charge for half the length': [
    /(_admitElements\(memory0,\w+,)(\w+),/,
    (_, start, length) => `${start}${length}>>1,`,
  ],
  'charge for smaller elements': [/(_admitElements\(memory0,\w+,\w+,)\d+,/, (_, start) => `${start}0,`],
  'charge for elements of another size': [
    /(_admitElements\(memory0,\w+,\w+,)64,/,
    (_, start) => `${start}32,`,
  ],
  'charge for another place': [
    /(_admitElements\(memory0,)(\w+),(\w+),/,
    (_, start, _at, n) => `${start}${n},${n},`,
  ],
  'charge for a memory of its own': [
    /_admitElements\(memory0,/,
    () => '_admitElements({buffer:{byteLength:9e9}},',
  ],
  'one charge for two loops': [
    LOOP,
    (all, bound) =>
      `${all.replace(/for\(let.*$/, '')}for(let q=0;q<${bound};q++);${all.replace(/^.*?(?=for\(let)/, '')}`,
  ],
  'charge outside of a loop around it': [
    LOOP,
    (_, bound, memory, at, length, rest, between, head) =>
      `const ${bound}=_admitElements(${memory},${at},${length},${rest});${between}{${head}}}{`,
  ],
  'bound that changes': [/const (\w+)=_admitElements/, (_, bound) => `let ${bound}=_admitElements`],
  'counter that goes by two loops': [
    /(for\(let \w+=0;(\w+)<\w+;\w+)\+\+\)\{const/,
    (_, head) => `${head}--){const`,
  ],
  'copy of numbers that are smaller': [/(_liftBytes\(memory0,\w+,\w+,)8\)/, (_, start) => `${start}1)`],
  'copy of numbers for a length of one': [/(_liftBytes\(memory0,\w+,)\w+,/, (_, start) => `${start}1,`],
  'copy of numbers past the charge': [
    /_liftBytes\((memory0),(\w+),(\w+),(\d)\)/,
    (_, memory, at, count, size) => `${memory}.buffer.slice(${at},${at}+${count}*${size})`,
  ],
  'text past the charge': [
    /_liftUtf8\((memory0),(\w+),(\w+)\)/,
    (_, memory, at, length) => `_decode(_utf8,new Uint8Array(${memory}.buffer,${at},${length}))`,
  ],
  'text by a decoder of its own': [
    /_liftUtf8\(memory0,\w+,\w+\)/,
    () => 'new TextDecoder().decode(memory0.buffer)',
  ],
  'text for a length of one': [/(_liftUtf8\(memory0,\w+,)\w+\)/, (_, start) => `${start}1)`],
  'host’s list past the charge': [
    /const (\w+)=_countElements\((\w+)\)/,
    (_, bound, of) => `const ${bound}=${of}.length`,
  ],
  'host’s array past the charge': [/of _payElements\((\w+)\)/, (_, of) => `of ${of}`],
  'host’s bytes past the charge': [
    /_lowerBytes\((memory0),(\w+),(\w+)\)/,
    (_, memory, at, of) => `new Uint8Array(${memory}.buffer,${at},9).set(${of})`,
  ],
};

describe('attacks', () => {
  it('splices harmless code without a refusal, so that refusals below are the attacks’ own', () => {
    expect(checkGlue(splice('0'), NAMES)).toEqual([]);
    expect(checkGlue(append('let harmless=1'), NAMES)).toEqual([]);
  });

  it.each(Object.entries(ATTACKS))('refuses: %s', (_, attack) => {
    expect(refuses(splice(attack))).toBe(true);
  });

  it.each(Object.entries(STATEMENT_ATTACKS))('refuses: %s', (_, attack) => {
    expect(refuses(append(attack))).toBe(true);
  });

  it.each(Object.entries(MODULE_ATTACKS))('refuses: %s', (_, attack) => {
    const glue = glueOf('minimal');
    expect(attack(glue)).not.toBe(glue);
    expect(refuses(attack(glue))).toBe(true);
  });

  it.each(Object.entries(CHARGE_ATTACKS))('refuses: %s', (_, [place, change]) => {
    const glue = glueOf('every type');
    const names = new AnyName();
    expect(checkGlue(glue, names)).toEqual([]);
    const changed = glue.replace(place, change);
    expect(changed).not.toBe(glue);
    expect(() => parseModule(changed)).not.toThrow();
    expect(checkGlue(changed, names).map(({ code }) => code)).toContain('glue_rejected');
  });

  it('refuses whatever reaches a constructor, at any place of the glue', () => {
    const glue = glueOf('minimal');
    const places = [...glue.matchAll(/;(?=(?:const|let|return|function)\b)/g)].map(({ index }) => index + 1);
    const base = constantFrom(
      '[]',
      "''",
      '(()=>0)',
      'exports0',
      '0..x',
      'imports',
      'init',
      '({})',
      'memory0.buffer',
    );
    const key = constantFrom(
      '.constructor',
      "['constructor']",
      "?.['con'+'structor']",
      '[`constructor`]',
      '["\\u0063onstructor"]',
      '.__proto__',
      '[String.raw`constructor`]',
      "[['constructor'][0]]",
      '[(()=>"constructor")()]',
      "['at'].constructor",
    );
    const tail = constantFrom('', "('return process')()", '.x', '=1', '()', '`x`');
    const wrap = constantFrom<(code: string) => string>(
      (code) => `${code};`,
      (code) => `{${code}}`,
      (code) => `(()=>(${code.replace(/=1$/, '')}))();`,
      (code) => `if(0)${code};`,
      (code) => `for(let q=0;q<memory0;q++){${code}}`,
      (code) => `try{${code}}catch(q){}`,
    );
    assert(
      property(base, key, tail, wrap, constantFrom(...places), (from, by, then, put, at) => {
        const assigned = then === '=1' && by.startsWith('?.') ? '' : then;
        return refuses(glue.slice(0, at) + put(from + by + assigned) + glue.slice(at));
      }),
      { numRuns: 60 },
    );
  });
});
