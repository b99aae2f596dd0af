/** The processes of a system, their ports, and whether the ports are free. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { console } from '../terminal/console.js';
import { codeOf } from '../workspace/errors.js';
import { type Manifest, type PublicListener, REGISTRY } from '../workspace/manifests.js';
import { DEFAULTS, environmentOf } from './options.js';

/** An instance of a service that shall run. */
export interface Planned {
  /** The instance's id, which also names its log. */
  readonly name: string;
  readonly service: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Where it serves its metrics, with --metrics. */
  readonly metricsPort: number;
  /** Where it listens for callers outside of the system, and the variable that tells it so. */
  readonly public?: Pick<PublicListener, 'variable' | 'console'> & {
    readonly address: string;
    readonly port: number;
  };
  /** How it is started if it is a server in another language. */
  readonly join?: Manifest['join'];
}

export interface Listener {
  readonly name: string;
  readonly port: number;
}

/** The name of the embedded PostgreSQL among the processes. */
export const POSTGRES = 'postgres';
/** The database's port, relative to the base port. */
export const DATABASE_OFFSET = 9;
/** The metrics port of a service's first instance, relative to its port, and the step to the next instance. */
const METRICS_OFFSET = 500;
const INSTANCE_OFFSET = 100;

/**
 * The processes by their ports; `start.ts` next to it has the order of their start.
 *
 * @throws Error with one line if a port is out of range.
 */
export function plan(manifests: readonly Manifest[], portBase: number): readonly Planned[] {
  const processes = manifests.flatMap((manifest) => planService(manifest, portBase));
  const beyond = portsOf(processes).find(({ port }) => port < 0 || port > 65_535);
  if (beyond) throw new Error(`--port-base ${portBase}: ${beyond.name} would listen at ${beyond.port}; take another`);
  return processes;
}

export const metricsAddress = ({ metricsPort }: Planned): string => `127.0.0.1:${metricsPort}`;

/** The first instance has the service's ports; the others take free ports. */
function planService(
  { service, port, instances, public: outside, join }: Manifest,
  portBase: number,
): readonly Planned[] {
  const own = port - DEFAULTS.portBase + portBase;
  return Array.from({ length: instances }, (_, index) => ({
    name: service === REGISTRY ? service : `${service}-${index + 1}`,
    service,
    port: index === 0 ? own : 0,
    metricsPort: own + METRICS_OFFSET + index * INSTANCE_OFFSET,
    ...(join && { join }),
    ...(outside && {
      public: planPublic(index === 0 ? publicAddress(service, outside, portBase) : '127.0.0.1:0', outside),
    }),
  }));
}

/** With the default base port, the variable moves the listener. Another base port outranks it, as two systems may share `.env`. */
function publicAddress(service: string, { port, offset, variable }: PublicListener, portBase: number): string {
  if (portBase !== DEFAULTS.portBase) return `127.0.0.1:${portBase + offset}`;
  return environmentOf(service)[variable] || `127.0.0.1:${port}`;
}

/** The service itself refuses an address that has no port. */
const planPublic = (address: string, { variable, console }: PublicListener) => ({
  variable,
  ...(console && { console }),
  address,
  port: Number(/:(\d+)$/.exec(address)?.[1] ?? 0),
});

/** Where this machine reaches the public port of a process; undefined if it has none. */
export const publicAddressOf = ({ public: outside }: Planned): string | undefined =>
  outside?.port ? outside.address.replace(/^(?:0\.0\.0\.0|\[::\]):/, '127.0.0.1:') : undefined;

/**
 * Where a process serves the console: at its public port, unless people of other machines reach that. Undefined if it serves none, or
 * the environment says where.
 */
export function consoleOf(planned: Planned | undefined): string | undefined {
  const { console, address = '' } = planned?.public ?? {};
  if (planned === undefined || console === undefined) return undefined;
  return environmentOf(planned.service)[console] ?? (address.startsWith('127.0.0.1:') ? address : undefined);
}

/** All ports that processes listen on, apart from metrics. */
export const portsOf = (processes: readonly Planned[]): readonly Listener[] =>
  processes.flatMap(({ name, port, public: outside }) => [
    { name, port },
    ...(outside ? [{ name: `${outside.variable} of ${name}`, port: outside.port }] : []),
  ]);

/**
 * Requires that the ports are free. A port that only a past connection holds is waited for. Port 0 is skipped.
 *
 * @param remedy What to do if a port is taken.
 * @param signal Ends the wait for a port that a connection has.
 * @throws Error at once if processes listen, or after the wait. One line names the ports.
 */
export async function requireFreePorts(
  listeners: readonly Listener[],
  remedy: string,
  signal?: AbortSignal,
): Promise<void> {
  const taken = await filtered(listeners, async ({ port }) => port > 0 && !(await isFree(port)));
  const refuse = (all: readonly Listener[]) => {
    if (all.length === 0) return;
    const ports = all.map(({ name, port }) => `${port} (${name})`).join(', ');
    throw new Error(`in use already: port ${ports}. ${remedy}`);
  };
  refuse(await filtered(taken, ({ port }) => isServed(port)));
  refuse(await filtered(taken, async ({ port }) => !(await becomesFree(port, signal))));
}

async function filtered(all: readonly Listener[], holds: (one: Listener) => Promise<boolean>) {
  const found: Listener[] = [];
  for (const one of all) if (await holds(one)) found.push(one);
  return found;
}

/** TIME-WAIT lasts for a minute on Linux. */
const MAX_POLLS = 130;
const POLL_MS = 500;

/** Waits for a port that the kernel has given to a connection as its own end. It stays taken for a while after the connection. */
async function becomesFree(port: number, signal: AbortSignal | undefined): Promise<boolean> {
  console.error(
    `Waiting for port ${port}: no process listens there, but a connection has it, or had it a minute ago …`,
  );
  for (let polls = 0; polls < MAX_POLLS; polls += 1) {
    if (await isFree(port)) return true;
    await setTimeout(POLL_MS, undefined, signal === undefined ? {} : { signal });
  }
  return false;
}

export function isServed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'));
    socket.setTimeout(1_000, () => resolve(true)); // its queue is full
    socket.once('connect', () => socket.destroy()).once('timeout', () => socket.destroy());
  });
}

/** Whether a process could listen at a port. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
