// Turns jco's glue into the glue of an artifact: synchronous, the same on every host, paid for where it lifts from guest
// memory, telling where it writes, without what no call can reach. What comes out is judged afterwards (glue-check); nothing here is trusted to
// remove an attack.

import { transform } from 'esbuild';
import type { AnyNode } from 'acorn';
import { parseModule, type ScopedModule } from './glue-scope.ts';
import { nameModules } from './shrink-glue/core-modules.ts';
import { dropDead } from './shrink-glue/dead-code.ts';
import { contains, hasOwn, instantiateOf, replace, rewrite, textOf, type Edit } from './shrink-glue/edits.ts';
import { CHARGE, LIFTING_SOURCE } from './shrink-glue/lifting-source.ts';
import { chargeLifting } from './shrink-glue/lifting.ts';
import { LOWERING_SOURCE, MARKS } from './shrink-glue/lowering-source.ts';
import { noteWrites } from './shrink-glue/lowering.ts';
import { checkHandles } from './shrink-glue/resources.ts';
import { dropTasks } from './shrink-glue/tasks.ts';
import { refuseTranscoding } from './shrink-glue/transcoding.ts';
import { makeSynchronous, WAIT_SOURCE } from './shrink-glue/synchronous.ts';

/** Glue and the core modules that were inline in it. */
export interface ShrunkGlue {
  readonly glue: string;
  readonly inlineModules: readonly Uint8Array[];
}

/**
 * Rewrites and shrinks `source`. `moduleNames` maps the file names that jco gave to core modules to ours; inline
 * modules continue their count. Throws where the glue is not of the form that the pinned jco writes.
 */
export async function shrinkGlue(
  source: string,
  moduleNames: ReadonlyMap<string, string>,
): Promise<ShrunkGlue> {
  let text = rewrite(source, keepInstantiate);
  text = rewrite(text, makeSynchronous);
  text = rewrite(text, checkHandles);
  text = rewrite(text, refuseTranscoding);
  text = rewrite(text, chargeLifting);
  text = rewrite(text, noteWrites);
  text = rewrite(text, dropDead);
  text = rewrite(text, dropTasks);
  text = rewrite(text, dropDead);
  const inlineModules: Uint8Array[] = [];
  text = rewrite(text, (module) => nameModules(module, moduleNames, inlineModules));
  return { glue: await minify(text), inlineModules };
}

/** Leaves `instantiate` alone in the module, as a plain function of five parameters that runs straight through. */
function keepInstantiate(module: ScopedModule): Edit[] {
  const { source, program } = module;
  const edits: Edit[] = [];
  const instantiate = instantiateOf(program);
  for (const node of program.body) if (!contains(node, instantiate)) edits.push(replace(node, ''));
  for (const param of instantiate.params) {
    if (param.type === 'AssignmentPattern') edits.push(replace(param, textOf(module, param.left)));
  }
  const body = instantiate.body;
  if (body.type !== 'BlockStatement') throw new Error('instantiate has no body');
  edits.push({
    start: body.start + 1,
    end: body.start + 1,
    text: `\n${WAIT_SOURCE}${LIFTING_SOURCE}${LOWERING_SOURCE}`,
  });
  const lastParam = instantiate.params.at(-1);
  if (lastParam === undefined) throw new Error('instantiate has no parameters');
  edits.push({ start: lastParam.end, end: lastParam.end, text: `, ${CHARGE}, ${MARKS}` });
  const start = body.body.findIndex((node) => declares(node, 'gen'));
  const generator = body.body[start];
  if (generator?.type !== 'VariableDeclaration') throw new Error('instantiate has no generator');
  const call = generator.declarations[0]?.init;
  if (call?.type !== 'CallExpression' || call.callee.type !== 'FunctionExpression') {
    throw new Error('the generator of instantiate has another form');
  }
  // In synchronous mode nothing is yielded, so the generator and its driver are one call.
  if (hasOwn(call.callee, 'YieldExpression')) throw new Error('instantiate yields');
  const last = body.body.at(-1);
  if (last === undefined) throw new Error('instantiate has no end');
  const inner = source.slice(call.callee.body.start + 1, call.callee.body.end - 1);
  edits.push({ start: generator.start, end: last.end, text: inner });
  return edits;
}

/**
 * Same text in, same text out: esbuild's version is pinned, and nothing of the machine is an input. It is given the
 * body of `instantiate` as a script, whose outermost names it leaves alone: the check compares jco's own functions
 * by name, and a stack trace should say something. Names inside functions become short.
 */
async function minify(source: string): Promise<string> {
  const { body } = instantiateOf(parseModule(source).program);
  const { code } = await transform(`'use strict';${source.slice(body.start + 1, body.end - 1)}`, {
    loader: 'js',
    target: 'es2022',
    charset: 'ascii',
    legalComments: 'none',
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers: true,
    platform: 'neutral',
    tsconfigRaw: '{}',
    logLevel: 'silent',
  });
  return `export function instantiate(getCoreModule,imports,instantiateCore,${CHARGE},${MARKS}){${code.replace(/^"use strict";/, '').trimEnd()}}\n`;
}

function declares(node: AnyNode, name: string): boolean {
  return (
    node.type === 'VariableDeclaration' &&
    node.declarations.some(({ id }) => id.type === 'Identifier' && id.name === name)
  );
}
