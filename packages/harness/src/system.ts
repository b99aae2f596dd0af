import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeBase } from './ports.js';
import { type Ended, type RunningProcess, root, runNode, start } from './process.js';
import { eventually } from './wait.js';

/** A whole system of its own: what `npm start` starts, on ports and data of its own. */
export interface System {
  /** The folder that holds the system's data. */
  readonly data: string;
  readonly registry: string;
  /** The address of the service at an offset from the base port, such as 0 for the registry. */
  address(offset: number): string;
  /** The variables with which a process has the certificate of `name`, such as `person`; none without TLS. */
  certificate(name: string): Readonly<Record<string, string>>;
  /** What the launcher printed when the system was up. */
  readonly banner: string;
  /** What the launcher has printed on standard error so far. */
  stderr(): string;
  /** The process id of an instance. NaN if the launcher runs no such instance. */
  pid(instanceId: string): number;
  /** The log of an instance, as far as it has been written. */
  log(instanceId: string): string;
  /** Runs `rondo` against the system, to its end. */
  rondo(...args: readonly string[]): Promise<Ended>;
  /** Starts `rondo` against the system. */
  startRondo(...args: readonly string[]): RunningProcess;
  /** Starts one more instance of a service, besides the launcher's. `stop` ends it with the system. */
  addInstance(service: string, instanceId: string): RunningProcess;
  /** Stops the system as Ctrl-C does, and gives how the launcher ended. */
  stop(): Promise<Ended>;
  /** Removes the system's data. */
  remove(): void;
}

/** How a system is started. */
export interface SystemOptions {
  /** A data folder that exists; by default a new one. */
  readonly data?: string;
  /** Begins the name of a new data folder. */
  readonly prefix?: string;
  /** Whether the launcher restarts a process that ends by itself. Default: false, as tests kill processes to have them gone. */
  readonly restarts?: boolean;
  /** Whether each process serves its metrics. */
  readonly metrics?: boolean;
  /** Whether it is started with `--observe`; and `metrics`. */
  readonly observe?: boolean;
  /** Whether the system verifies who calls, by `--auth`. */
  readonly auth?: boolean;
  /** Whether each connection is encrypted, by `--tls`. `rondo` and added instances have certificates then. */
  readonly tls?: boolean;
  /** Variables of the launcher over those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Longer than the launcher's own bound, which names what isn't ready. */
const START_TIMEOUT_MS = 420_000;

/** Where the database listens, from the base port. */
const DATABASE_OFFSET = 9;

/** The ports of a system with metrics: they are 500 above the others, and 100 more for each further instance, up to the fifth. */
const PORTS_WITH_METRICS = 960;

/** What a command says while a test of another file compiles in the same tree. */
const OTHER_BUILD = /^Waiting for another command's step .*\n/gm;

/** Starts a system, which must have been built. Resolves when it is up. */
export async function startSystem({
  prefix = 'rondo-e2e-',
  data = newFolder(prefix),
  restarts = false,
  observe = false,
  metrics = observe,
  auth = false,
  tls = false,
  env: extra = {},
}: SystemOptions = {}): Promise<System> {
  const base = await freeBase(metrics ? PORTS_WITH_METRICS : undefined);
  const registry = `127.0.0.1:${base}`;
  const launcher = await startLauncher(
    [
      '--data',
      data,
      '--port-base',
      String(base),
      ...(restarts ? [] : ['--no-restart']),
      ...(metrics ? [observe ? '--observe' : '--metrics'] : []),
      ...(auth ? ['--auth'] : []),
      ...(tls ? ['--tls'] : []),
    ],
    extra,
  );
  const cli = join(root, 'scripts/rondo.mjs');
  const certificate = (name: string) => (tls ? { RONDO_TLS: 'on', RONDO_TLS_DIR: join(data, 'certs', name) } : {});
  const env = { RONDO_REGISTRY: registry };
  const caller = { ...env, ...certificate('person') };
  const added: RunningProcess[] = [];
  return {
    data,
    registry,
    address: (offset) => `127.0.0.1:${base + offset}`,
    certificate,
    banner: launcher.output().stdout,
    stderr: () => launcher.output().stderr,
    pid: (instanceId) => readPids(data)[instanceId] ?? Number.NaN,
    log: (instanceId) => readFileSync(join(data, 'logs', `${instanceId}.log`), 'utf8'),
    async rondo(...words) {
      const ended = await runNode([cli, ...words], { env: caller });
      return { ...ended, stderr: ended.stderr.replaceAll(OTHER_BUILD, '') };
    },
    startRondo: (...words) => start(process.execPath, [cli, ...words], { env: caller }),
    addInstance(service, instanceId) {
      const main = join(root, 'services', service, 'dist/main.js');
      const own = {
        RONDO_LISTEN: '127.0.0.1:0',
        RONDO_GATEWAY_LISTEN: '127.0.0.1:0',
        RONDO_INSTANCE_ID: instanceId,
        RONDO_RECENT_BYTES: '5242880',
        ...certificate(service),
      };
      const instance = start(process.execPath, [main], { env: { ...env, ...databaseOf(service, data, base), ...own } });
      added.push(instance);
      return instance;
    },
    async stop() {
      for (const instance of added) instance.signal('SIGTERM');
      await Promise.all(added.map(({ ended }) => ended));
      launcher.signal('SIGINT');
      await eventually(() => {
        if (!launcher.output().stdout.includes('Stopping')) throw new Error(`not stopping: ${describe(launcher)}`);
      });
      // The terminal signals the launcher and npm, and npm signals the launcher again.
      launcher.signal('SIGINT');
      return launcher.ended;
    },
    remove: () => rmSync(data, { recursive: true, force: true }),
  };
}

function newFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(folder, 0o755); // so that the database's account can enter it, and keeps all of it there
  return folder;
}

/** Resolves when the launcher says that the system is up. */
async function startLauncher(args: readonly string[], env: Readonly<Record<string, string>>): Promise<RunningProcess> {
  const launcher = start(process.execPath, [join(root, 'scripts/rondo.mjs'), 'start', ...args], { env });
  await launcher.printed(/Rondo is up/, { timeoutMs: START_TIMEOUT_MS });
  return launcher;
}

/** The variable that leads a service to its database, if it has one. */
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

function describe({ output }: RunningProcess): string {
  const { stdout, stderr } = output();
  return `${stdout}\n${stderr}`;
}
