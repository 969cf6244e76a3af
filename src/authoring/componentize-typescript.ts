// A process of its own (see toolchain.ts): one bundled ES module in, QuickJS component out. The module's top level
// runs here, inside QuickJS, while the snapshot is taken.

import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { componentize } from 'componentize-qjs';

/** What to componentize. Paths are absolute. */
export interface ComponentizeRequest {
  readonly script: string;
  readonly witDirectory: string;
  readonly world: string;
  readonly output: string;
}

const request = JSON.parse(await text(process.stdin)) as ComponentizeRequest;
// Not `optSize`: a third smaller, and slower per call. Not `stubWasi`: the gateway's own shims answer.
const { component } = await componentize({
  witPath: request.witDirectory,
  jsSource: request.script,
  world: request.world,
  sync: true,
  stubWasi: false,
});
await writeFile(request.output, component);
