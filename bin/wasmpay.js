#!/usr/bin/env node
// The `wasmpay` command: of a checkout, whose TypeScript Node runs as it is, or of an installed package, which holds the
// JavaScript that scripts/build-package.ts made of it. Where the caller's own Node is too old, this starts the one that
// npm installed beside it (package.json, optionalDependencies), and passes on its signals and its end.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The first Node that has all of the sources' syntax: `await using`. */
const OLDEST_MAJOR = 24;

const source = new URL('../src/cli/main.ts', import.meta.url);
const main = existsSync(source) ? source : new URL('../dist/src/cli/main.js', import.meta.url);

if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) {
  const { keepCompiledCode } = await import(
    new URL(`author/compiled-code${extname(main.pathname)}`, main).href
  );
  keepCompiledCode(process.argv[2]);
  await import(main.href);
} else {
  const node = findInstalledNode();
  if (node === undefined) {
    console.error(
      `wasmpay needs Node ${OLDEST_MAJOR} or newer: this is ${process.version}, and npm has installed no other one ` +
        `for ${process.platform}-${process.arch} (without --omit=optional it does where there is one)`,
    );
    process.exitCode = 1;
  } else {
    runWith(node);
  }
}

/** The program of the package for this system that holds a Node; undefined where none is installed. */
function findInstalledNode() {
  const { arch, platform } = process;
  const system = `${platform === 'win32' ? 'win' : platform}-${arch}`;
  const name = `${system === 'darwin-arm64' ? 'node-bin' : 'node'}-${system}`;
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const node = join(dirname(manifest), 'bin', platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} node */
function runWith(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      // Ctrl-C reaches every process of the terminal's by itself, and twice means "now" to some.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    console.error(`wasmpay: ${node} could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1;
      return;
    }
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
