#!/usr/bin/env node
// The `wasmpay` command. Sources are TypeScript that Node runs as it is, from 22.18 on; where the caller's own
// Node is older, this starts the one that the project brings as a dependency.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../src/cli/main.ts', import.meta.url);
const bundledNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

if (process.features.typescript) {
  await import(main.href);
} else if (existsSync(bundledNode)) {
  const child = spawnSync(bundledNode, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = child.status ?? 1;
} else {
  console.error(`wasmpay needs Node 22.18 or newer (this is ${process.version}); run "npm ci" first.`);
  process.exitCode = 1;
}
