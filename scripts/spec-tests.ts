// `npm run test:spec`: runs the official WebAssembly specification tests plain and metered. Every assertion that holds
// plain must hold metered; modules of proposals outside the supported set must be refused by name.
//
// The tests come, already converted by wast2json, in the zip of a Go module, from the Go module proxy: pinned by version
// and by Go's own checksum of its content. The folders are made from the tags and commits that its Makefile names
// (WebAssembly/spec wg-1.0 and wg-2.0, and the proposals' repositories). Nothing of the module is run. Needs `go`, any
// that Debian has; says that it is skipped where there is none.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runSpecFolder } from '../test/publisher/meter/spec/run-spec.ts';

const MODULE = 'github.com/tetratelabs/wazero@v1.12.0';
/** Go's checksum of the module's files ("h1", golang.org/x/mod/sumdb/dirhash). */
const MODULE_SUM = 'h1:DuWcpNu/FzgEXgGBDp8J1Spc+CWOvvtvVyjKlaZopYU=';
const DOWNLOAD_TIMEOUT_MS = 300_000;

/**
 * A folder of the module; at least how many assertions must hold metered, and of how many it must be right that their
 * modules were refused: recorded with Node 24. Fewer means that tests were not found or not run.
 */
interface SpecFolder {
  readonly proposal: string;
  readonly leastMetered: number;
  readonly leastRefused: number;
}

const FOLDERS: readonly SpecFolder[] = [
  { proposal: 'v1', leastMetered: 17_144, leastRefused: 0 },
  { proposal: 'v2', leastMetered: 49_978, leastRefused: 0 },
  { proposal: 'extended-const', leastMetered: 73, leastRefused: 0 },
  { proposal: 'threads', leastMetered: 0, leastRefused: 279 },
  { proposal: 'tail-call', leastMetered: 0, leastRefused: 84 },
  { proposal: 'exception-handling', leastMetered: 0, leastRefused: 63 },
  { proposal: 'typed-function-references', leastMetered: 459, leastRefused: 457 },
];

const folder = downloadTests();
if (folder !== undefined) runAll(folder);

/** The folder with the tests; undefined, with a word on why, where there is no Go. */
function downloadTests(): string | undefined {
  const answer = askGo(['mod', 'download', '-json', MODULE]);
  if (answer === undefined) {
    console.log(
      'specification tests: skipped: there is no `go` command, which fetches them (Debian: apt-get install golang-go)',
    );
    return undefined;
  }
  const { Dir, Sum, Error: problem } = JSON.parse(answer) as { Dir?: string; Sum?: string; Error?: string };
  if (Dir === undefined) throw new Error(`cannot fetch the tests: ${problem}`);
  if (Sum !== MODULE_SUM) throw new Error(`${MODULE} has the checksum ${Sum}, not ${MODULE_SUM}`);
  return join(Dir, 'internal/integration_test/spectest');
}

/** What a `go` command prints, outside any Go module and with the Go that is there; undefined where there is none. */
function askGo(command: readonly string[]): string | undefined {
  const scratch = mkdtempSync(join(tmpdir(), 'spec-tests-'));
  const { stdout, error } = spawnSync('go', command, {
    cwd: scratch,
    env: { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '-mod=mod', GO111MODULE: 'on', GOWORK: 'off' },
    timeout: DOWNLOAD_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  rmSync(scratch, { recursive: true });
  if (error === undefined) return stdout;
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
  throw error;
}

function runAll(tests: string): void {
  let passed = 0;
  let failed = 0;
  console.log('proposal                   assertions  held before  held after  refused  lost  modules');
  for (const { proposal, leastMetered, leastRefused } of FOLDERS) {
    const counts = runSpecFolder(join(tests, proposal, 'testdata'));
    const columns = [
      [counts.assertions, 10],
      [counts.passedPlain, 11],
      [counts.passedMetered, 10],
      [counts.refused, 7],
      [counts.lost.length, 4],
      [counts.modules, 7],
    ] as const;
    console.log(
      `${proposal.padEnd(25)}  ${columns.map(([value, width]) => String(value).padStart(width)).join('  ')}`,
    );
    const faults = [
      ...counts.lost.map((at) => `lost: ${at}`),
      ...counts.invalidated.map((file) => `valid before and not after: ${file}`),
    ];
    if (leastRefused === 0 && counts.refusals.size > 0) {
      for (const [text, count] of counts.refusals) faults.push(`${count} modules refused: ${text}`);
    }
    for (const text of counts.refusals.keys()) {
      if (!text.startsWith('unsupported_feature: '))
        faults.push(`refused without naming a proposal: ${text}`);
    }
    if (counts.passedMetered < leastMetered)
      faults.push(`${counts.passedMetered} hold, fewer than the ${leastMetered} recorded`);
    if (counts.refused < leastRefused)
      faults.push(`${counts.refused} were refused, fewer than the ${leastRefused} recorded`);
    for (const fault of faults) console.error(`${proposal}: ${fault}`);
    passed += counts.passedMetered;
    failed += faults.length;
  }
  if (failed > 0) process.exitCode = 1;
  console.log(`${passed} passed, ${failed} failed`);
}
