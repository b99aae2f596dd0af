import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './ports.js';
import { type RunningProcess, root as repository, start } from './process.js';

/** How a service is started. */
export interface ServiceOptions {
  /** The repository that the service is in; by default this one. */
  readonly root?: string;
  /** Its built file, from the repository's folder; by default `services/<service>/dist/main.js`. */
  readonly main?: string;
  /** By default the service's own choice, a random one. */
  readonly instanceId?: string;
  /** The address to listen on; by default any free port. */
  readonly listen?: string;
  /** The registry's address, or several with commas between them. Without one the service registers nowhere. */
  readonly registry?: string | undefined;
  /** Further variables. Of this process's own, `RONDO_*`, `OTEL_*` and `DATABASE_URL` are left out. */
  readonly env?: Readonly<Record<string, string>>;
  /** For Node itself, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
  /** Takes the log instead of this process. */
  readonly logFile?: string;
}

/** A service that listens. */
export interface ServiceProcess extends RunningProcess {
  readonly address: string;
  /** When it began to listen, by its log. Milliseconds since the Unix epoch. */
  readonly listenedAt: number;
}

/** Nothing listens there: a service without a registry finds none, whatever else runs on this machine. */
const NOWHERE = '127.0.0.1:1';

/**
 * Starts a built service, and resolves when it listens. Its database may not be ready by then. It ends with this process.
 *
 * @throws Error with what it printed if it ends first, or doesn't listen within five minutes.
 */
export async function startService(service: string, options: ServiceOptions = {}): Promise<ServiceProcess> {
  const { root = repository, main = `services/${service}/dist/main.js`, env, nodeArguments = [], logFile } = options;
  const { instanceId, listen = '127.0.0.1:0', registry = NOWHERE } = options;
  if (!existsSync(join(root, main))) throw new Error(`${main} has not been built`);
  const running = start(process.execPath, [...nodeArguments, join(root, main)], {
    cwd: root,
    env: {
      ...withoutOwn(),
      RONDO_LISTEN: listen,
      RONDO_LOG_LEVEL: 'info',
      RONDO_REGISTRY: registry,
      ...(instanceId !== undefined && { RONDO_INSTANCE_ID: instanceId }),
      ...env,
    },
    ipc: true,
    logFile,
  });
  try {
    const [, time = '', address = ''] = await running.printed(LISTENING);
    return Object.assign(running, { address, listenedAt: Date.parse(time) });
  } catch (error) {
    await running.stop();
    throw error;
  }
}

const LISTENING = /"time":"([^"]+)"[^\n]*"msg":"listening on ([^"]+)"/;

/**
 * Starts a registry on a port of its own, as {@link startService} does.
 *
 * @param options `warmingMs` is the registry's warming time after its start; by default the registry's own.
 */
export async function startRegistry({
  warmingMs,
  env,
  ...options
}: Omit<ServiceOptions, 'registry'> & { readonly warmingMs?: number | undefined } = {}): Promise<ServiceProcess> {
  const { listen = `127.0.0.1:${await freePort()}` } = options;
  const warming = warmingMs === undefined ? {} : { RONDO_REGISTRY_STORE: `memory?warming-ms=${warmingMs}` };
  return startService('registry', { ...options, listen, env: { ...warming, ...env } });
}

/** The variables of this process less those that configure a service. */
export function serviceEnvironment(): Readonly<Record<string, string | undefined>> {
  return { ...process.env, ...withoutOwn(), NODE_OPTIONS: '' };
}

function withoutOwn(): Readonly<Record<string, undefined>> {
  const own = Object.keys(process.env).filter((name) => /^(?:RONDO_|OTEL_|DATABASE_URL(?:_FILE)?$)/.test(name));
  return Object.fromEntries(own.map((name) => [name, undefined]));
}
