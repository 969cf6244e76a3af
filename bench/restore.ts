// `npm run bench:restore`: what putting an instance back costs, alone, without a call in between, beside copying the same
// bytes with one TypedArray.set. Ratios within this run; the microseconds are for orientation.

import type { Artifact } from '../src/artifact/artifact.ts';
import type { SandboxPolicy } from '../src/artifact/release.ts';
import { createGuestInstance, createMeterOf } from '../src/sandbox/guest-instance.ts';
import { compileGuest } from '../src/sandbox/node/node-sandbox.ts';
import { prepareExample } from './prepare-example.ts';
import { median, table } from './statistics.ts';

const ROUNDS = 200;
/** A round restores about as many bytes of each subject. */
const BYTES_A_ROUND = 64 * 1024 * 1024;
const PAGE_BYTES = 64 * 1024;

interface Subject {
  readonly name: string;
  readonly pages: number;
  readonly times: number;
  readonly restore: () => void;
  readonly copy: () => void;
  readonly restoreUs: number[];
  readonly copyUs: number[];
}

function createSubject(name: string, artifact: Artifact, policy: SandboxPolicy): Subject {
  const code = compileGuest(artifact, policy);
  const meter = createMeterOf(code);
  meter.beginInstantiation();
  const { memento } = createGuestInstance(code, meter);
  if (memento === undefined) throw new Error(`${name} cannot be restored`);
  const pages = artifact.manifest.metering.initialPages;
  const from = new Uint8Array(pages * PAGE_BYTES).fill(1);
  const to = new Uint8Array(pages * PAGE_BYTES).fill(2);
  return {
    name,
    pages,
    times: Math.ceil(BYTES_A_ROUND / (pages * PAGE_BYTES)),
    restore() {
      if (!memento.restore()) throw new Error(`${name} was not restored`);
    },
    copy: () => to.set(from),
    restoreUs: [],
    copyUs: [],
  };
}

/** Microseconds of one of `times` runs. */
function time(times: number, run: () => void): number {
  const start = performance.now();
  for (let i = 0; i < times; i += 1) run();
  return ((performance.now() - start) / times) * 1000;
}

const subjects: Subject[] = [];
for (const example of ['icamer-assemblyscript', 'nordhaven-typescript']) {
  const { artifact, policy } = await prepareExample(example);
  subjects.push(createSubject(example, artifact, policy));
}
for (let round = -20; round < ROUNDS; round += 1) {
  for (const { times, restore, copy, restoreUs, copyUs } of subjects) {
    const [restored, copied] = [time(times, restore), time(times, copy)];
    if (round < 0) continue;
    restoreUs.push(restored);
    copyUs.push(copied);
  }
}
console.log(
  table(
    ['restoring', 'pages', 'median µs', 'least µs', 'set of as many bytes, µs', 'median / set'],
    subjects.map(({ name, pages, restoreUs, copyUs }) => [
      name,
      String(pages),
      median(restoreUs).toFixed(2),
      Math.min(...restoreUs).toFixed(2),
      median(copyUs).toFixed(2),
      `${median(restoreUs.map((us, round) => us / (copyUs[round] ?? Number.NaN))).toFixed(2)} ×`,
    ]),
  ),
);
