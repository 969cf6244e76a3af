// A new project of a language, built and judged by its cases; in two folders for languages whose toolchain gives the same
// bytes each time.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'vitest';

import { buildValidator } from '../../src/authoring/build-validator.ts';
import { parseCases } from '../../src/authoring/cases.ts';
import { findLanguage } from '../../src/authoring/languages/registry.ts';
import { createProject } from '../../src/authoring/new-project.ts';
import { isGood, testComponent } from '../../src/cli/author/run-cases.ts';
import type { GuestLimits } from '../../src/core/guest-limits.ts';
import { DEFAULT_POLICY } from '../../src/publisher/policy.ts';
import { readFile } from 'node:fs/promises';

/** Builds a new project in two places, runs its cases as `wasmpay test` does, and gives both components. */
export function buildTemplateTwice(
  language: string,
  contract: string,
  limits: Partial<GuestLimits> = {},
): Promise<Uint8Array[]> {
  return buildTemplate(language, contract, { limits, places: ['here', 'somewhere/else'] });
}

/** Builds a new project, in each of `places`, runs its cases as `wasmpay test` does, and gives the components. */
export async function buildTemplate(
  language: string,
  contract: string,
  {
    limits = {},
    places = ['here'],
  }: { limits?: Partial<GuestLimits>; places?: readonly [string, ...string[]] } = {},
): Promise<Uint8Array[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'wasmpay-template-'));
  try {
    const components: Uint8Array<ArrayBuffer>[] = [];
    for (const place of places) {
      const directory = join(scratch, place, 'icamer');
      await createProject({ directory, language: findLanguage(language), contract });
      const { component } = await buildValidator({ directory, outDirectory: join(scratch, 'out', place) });
      components.push(component);
    }
    const [component] = components;
    if (component === undefined) throw new Error('nothing was built');
    const cases = parseCases(
      await readFile(join(scratch, places[0], 'icamer/cases.json'), 'utf8'),
      'cases.json',
    );
    const report = await testComponent({ component, policy: DEFAULT_POLICY, limits }, cases);
    expect(report.refusals).toEqual([]);
    expect(report.cases.filter(({ passed }) => !passed)).toEqual([]);
    expect(isGood(report)).toBe(true);
    return components;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
