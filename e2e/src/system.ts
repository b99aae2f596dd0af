import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { freeBase } from './ports.js';
import { type Ended, node, type Running, root, start } from './run.js';

/** A whole system of its own: what `npm start` starts, on ports and data of its own. */
export interface System {
  /** The folder that holds what it keeps. */
  readonly data: string;
  readonly registry: string;
  /** The address of the service at an offset from the base port, such as 1 for calculator. */
  address(offset: number): string;
  /** What the launcher printed when all was up. */
  readonly banner: string;
  /** What it has said on standard error so far. */
  said(): string;
  /** The process of an instance, by its id. */
  pid(instanceId: string): number;
  /** The log of an instance, as far as it has been written. */
  log(instanceId: string): string;
  /** Runs `rondo` against it. */
  rondo(...args: readonly string[]): Promise<Ended>;
  /** The same, while it runs. */
  startRondo(...args: readonly string[]): Running;
  /** Starts one more instance of a service. */
  addInstance(service: string, instanceId: string): Running;
  /** Stops all of it as Ctrl-C does, and tells how the launcher ended. */
  stop(): Promise<Ended>;
  /** Removes what it kept. */
  remove(): void;
}

/** Where the database listens, from the base port. */
const DATABASE_OFFSET = 9;

/** How a system is started. */
export interface SystemOptions {
  /** Begins the name of its data folder. */
  readonly prefix?: string;
  /** Whether what ends by itself is started again; by default not, as tests end processes to have them away. */
  readonly restarts?: boolean;
  /** Whether each process serves its metrics. */
  readonly metrics?: boolean;
  /** What the launcher finds in its environment beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The ports of a system with metrics: they are 500 above the others, and 100 more for each instance. */
const PORTS_WITH_METRICS = 800;

/** Starts a system, with everything built already. */
export function startSystem(options: SystemOptions = {}): Promise<System> {
  const { prefix = 'rondo-e2e-' } = options;
  const data = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(data, 0o755); // so that the database's account can enter it, and nothing of it stands elsewhere
  return startSystemOn(data, options);
}

/** The same, on a data folder that is there already. */
export async function startSystemOn(
  data: string,
  { restarts = false, metrics = false, env: extra = {} }: SystemOptions = {},
): Promise<System> {
  const base = await freeBase(metrics ? PORTS_WITH_METRICS : undefined);
  const registry = `127.0.0.1:${base}`;
  const args = [join(root, 'scripts/run.mjs'), 'start', '--data', data, '--port-base', String(base)];
  if (!restarts) args.push('--no-restart');
  if (metrics) args.push('--metrics');
  const launcher = start(process.execPath, args, extra);
  await Promise.race([
    eventually(() => {
      if (!launcher.output().stdout.includes('Rondo is up')) throw new Error(`not up: ${describe(launcher)}`);
    }),
    launcher.ended.then(() => Promise.reject(new Error(`ended before it was up: ${describe(launcher)}`))),
  ]);
  const cli = [join(root, 'scripts/rondo.mjs')];
  const env = { RONDO_REGISTRY: registry };
  const added: Running[] = [];
  return {
    data,
    registry,
    address: (offset) => `127.0.0.1:${base + offset}`,
    banner: launcher.output().stdout,
    said: () => launcher.output().stderr,
    pid: (instanceId) => readPids(data)[instanceId] ?? Number.NaN,
    log: (instanceId) => readFileSync(join(data, 'logs', `${instanceId}.log`), 'utf8'),
    rondo: (...words) => node([...cli, ...words], env),
    startRondo: (...words) => start(process.execPath, [...cli, ...words], env),
    addInstance(service, instanceId) {
      const main = join(root, 'services', service, 'dist/main.js');
      const instance = start(process.execPath, [main], {
        ...env,
        ...databaseOf(service, data, base),
        RONDO_LISTEN: '127.0.0.1:0',
        RONDO_INSTANCE_ID: instanceId,
      });
      added.push(instance);
      return instance;
    },
    async stop() {
      for (const { process: child } of added) child.kill('SIGTERM');
      await Promise.all(added.map(({ ended }) => ended));
      launcher.process.kill('SIGINT');
      await eventually(() => {
        if (!launcher.output().stdout.includes('Stopping')) throw new Error(`not stopping: ${describe(launcher)}`);
      });
      // The terminal tells the launcher and npm, and npm tells the launcher again.
      launcher.process.kill('SIGINT');
      return launcher.ended;
    },
    remove: () => rmSync(data, { recursive: true, force: true }),
  };
}

/** The database of a service that has one. */
function databaseOf(service: string, data: string, base: number): Readonly<Record<string, string>> {
  const name = service.replaceAll('-', '_');
  const passwords: Readonly<Record<string, string>> = JSON.parse(readFileSync(join(data, 'passwords.json'), 'utf8'));
  const password = passwords[name];
  return password === undefined
    ? {}
    : { DATABASE_URL: `postgres://${name}:${password}@127.0.0.1:${base + DATABASE_OFFSET}/${name}` };
}

function readPids(data: string): Readonly<Record<string, number>> {
  return JSON.parse(readFileSync(join(data, 'processes.json'), 'utf8'));
}

function describe({ output }: Running): string {
  const { stdout, stderr } = output();
  return `${stdout}\n${stderr}`;
}
