// The smallest Ceph that is a real one: a monitor, one OSD that keeps everything in memory, and radosgw, on loopback
// and in a folder of their own, as whoever starts it. It owns its processes and ends them by their ids.

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Debian's packages `ceph-mon`, `ceph-osd`, `ceph-common` and `radosgw` have them. */
const PROGRAMS = ['monmaptool', 'ceph-mon', 'ceph-osd', 'ceph', 'radosgw', 'radosgw-admin'];

/** The slowest step by far is the first start of radosgw, which makes its pools: 5 to 20 s. */
const START_TIMEOUT_MS = 120_000;

/** Runs a program to its end. Throws with what it says. */
const run = (program: string, args: readonly string[]) =>
  execute(program, args, { timeout: START_TIMEOUT_MS });

export interface RadosGateway extends AsyncDisposable {
  readonly endpoint: string;
  /** The zone group's name, which radosgw wants requests signed for. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly version: string;
}

/** The programs that are not there; empty where a gateway can be started. */
export async function missingPrograms(): Promise<string[]> {
  const found = await Promise.all(
    PROGRAMS.map((program) =>
      run(program, ['--version']).then(
        () => true,
        (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
      ),
    ),
  );
  return PROGRAMS.filter((_, index) => found[index] === false);
}

/** Starts all three and creates a user. Throws with the end of the log of what did not start; nothing is left then. */
export async function startRadosGateway(): Promise<RadosGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'wasmpay-radosgw-'));
  const processes: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    // In the reverse order: radosgw waits for its OSD, and the OSD for its monitor.
    for (const child of processes.toReversed()) await end(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    return await start(directory, processes, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  directory: string,
  processes: ChildProcess[],
  stop: () => Promise<void>,
): Promise<RadosGateway> {
  const config = join(directory, 'ceph.conf');
  const [monitorPort = 0, gatewayPort = 0] = await freePorts(2);
  const fsid = randomUUID();
  await writeFile(config, configOf(directory, fsid, monitorPort));
  for (const folder of ['mon', 'osd', 'rgw', 'run']) await mkdir(join(directory, folder));
  const withConfig = ['-c', config];

  /** Starts a daemon in the foreground, so that its id is ours to end. */
  const daemon = (program: string, args: readonly string[]): void => {
    const child = spawn(program, ['-f', ...withConfig, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(directory, `${program}.out`));
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    processes.push(child);
  };
  /** Asks until `ask` succeeds or a daemon has died. */
  const until = async (what: string, ask: () => Promise<unknown>): Promise<void> => {
    const startedMs = performance.now();
    for (;;) {
      const error: unknown = await ask().then(
        () => undefined,
        (reason: unknown) => reason ?? new Error('failed'),
      );
      if (error === undefined) return;
      const dead = processes.find((child) => child.exitCode !== null || child.signalCode !== null);
      if (dead !== undefined || performance.now() - startedMs > START_TIMEOUT_MS) {
        throw new Error(`${what} did not start\n${await tailOf(directory)}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  const ceph = (...args: string[]) => run('ceph', [...withConfig, '--connect-timeout', '5', ...args]);

  const map = join(directory, 'monmap');
  const address = `[v2:127.0.0.1:${monitorPort}]`;
  await run('monmaptool', ['--create', '--addv', 'a', address, '--fsid', fsid, map]);
  await run('ceph-mon', ['--mkfs', ...withConfig, '-i', 'a', '--monmap', map]);
  daemon('ceph-mon', ['-i', 'a']);
  await until('ceph-mon', () => ceph('mon', 'stat'));

  const osd = randomUUID();
  await ceph('osd', 'new', osd, '0');
  await run('ceph-osd', ['--mkfs', ...withConfig, '-i', '0', '--osd-uuid', osd]);
  daemon('ceph-osd', ['-i', '0']);
  await until('ceph-osd', async () => {
    const { stdout } = await ceph('osd', 'stat', '--format', 'json');
    if ((JSON.parse(stdout) as { num_up_osds?: number }).num_up_osds !== 1) throw new Error('not up');
  });

  const name = ['-n', 'client.rgw.a'];
  daemon('radosgw', [...name, '--rgw-frontends', `beast endpoint=127.0.0.1:${gatewayPort}`]);
  const endpoint = `http://127.0.0.1:${gatewayPort}`;
  await until('radosgw', () => fetch(endpoint));

  const accessKeyId = randomBytes(10).toString('hex');
  const secretAccessKey = randomBytes(20).toString('hex');
  const user = ['user', 'create', '--uid', 'wasmpay', '--display-name', 'wasmpay'];
  const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey];
  await run('radosgw-admin', [...withConfig, ...name, ...user, ...keys]);
  const { stdout } = await run('radosgw', ['--version']);
  return {
    endpoint,
    region: 'default',
    accessKeyId,
    secretAccessKey,
    version: stdout.trim(),
    [Symbol.asyncDispose]: stop,
  };
}

/** One OSD, so one copy; no authentication inside, for nobody else is told the ports; nothing outside `directory`. */
function configOf(directory: string, fsid: string, monitorPort: number): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitorPort}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = ${directory}/run
admin socket = ${directory}/run/$name.$pid.asok
pid file = ${directory}/run/$name.pid
log file = ${directory}/$name.log
crash dir = ${directory}/run
keyring = ${directory}/keyring
mon cluster log file = ${directory}/cluster.log
mon allow pool size one = true
mon warn on pool no redundancy = false
mon tick interval = 1
mon data avail warn = 1
mon data avail crit = 1
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
[mon]
mon data = ${directory}/mon
[osd]
osd data = ${directory}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
[client.rgw.a]
# radosgw wants encryption, which takes authentication.
ms mon client mode = crc
rgw data = ${directory}/rgw
rgw thread pool size = 32
`;
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** Asks the process to end, and ends it after ten seconds. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}

/** The last lines that each daemon wrote. */
async function tailOf(directory: string): Promise<string> {
  const files = ['ceph-mon.out', 'mon.a.log', 'ceph-osd.out', 'osd.0.log', 'radosgw.out', 'client.rgw.a.log'];
  const tails = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(directory, file), 'utf8').catch(() => '');
      return text === '' ? '' : `${file}:\n${text.split('\n').slice(-15).join('\n')}`;
    }),
  );
  return tails.filter((tail) => tail !== '').join('\n');
}
