/** The options of `npm start` and `rondo dev`, and the environment of the processes that they start. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { type TaskName, tasks } from '../commands/tasks.js';
import { UsageError } from '../errors.js';
import { NOT_FOR_SERVICES } from '../workspace/environment.js';
import { isFile, readJson } from '../workspace/files.js';
import { folderOf, ownServices } from '../workspace/manifests.js';
import { onlyOptions, quoted } from '../workspace/options.js';
import { root } from '../workspace/paths.js';

export const DEFAULTS = { data: path.join(root, '.rondo'), portBase: 50_050 };
/** The gateway's own port has the highest offset of the services that come with Rondo. */
const MAX_PORT_BASE = 65_535 - 21;

export interface SystemOptions {
  /** The data folder, absolute. */
  readonly data: string;
  /** The registry's port; the others follow it. */
  readonly portBase: number;
  /** The folder of the certificates, with --tls. */
  readonly certs: string | undefined;
  /** The folder of the development issuer, with --auth. */
  readonly auth: string | undefined;
  readonly metrics: boolean;
  /** Whether Prometheus and Jaeger are started, and get what they need. */
  readonly observe: boolean;
  readonly restarts: boolean;
}

/**
 * Parses the options.
 *
 * @param command What the user typed, such as `npm start`.
 * @throws Error with one line that says what is wrong, and the usage or the command to run first.
 */
export function parseOptions(args: readonly string[], command: string): SystemOptions {
  const usage = usageOf(command, 'start');
  const given = onlyOptions(args, tasks.start.options, usage);
  const {
    data = DEFAULTS.data,
    'port-base': base = String(DEFAULTS.portBase),
    tls = false,
    auth = false,
    observe = false,
  } = given;
  const portBase = Number(base);
  if (!Number.isInteger(portBase) || portBase < 1024 || portBase > MAX_PORT_BASE)
    throw new UsageError(`--port-base ${base}: must be a whole number from 1024 to ${MAX_PORT_BASE}: ${usage}`);
  if (data === '') throw new UsageError(`--data must name a folder: ${usage}`);
  requirePlugins({ auth, observe });
  const folder = givenPath(data);
  return {
    data: folder,
    portBase,
    certs: tls || auth ? path.join(folder, 'certs') : undefined,
    auth: auth ? path.join(folder, 'auth') : undefined,
    metrics: (given.metrics ?? false) || observe,
    observe,
    restarts: !given['no-restart'],
  };
}

/** The options that need a plugin in every service. */
const PLUGINS = [
  ['auth', 'authentication'],
  ['observe', 'telemetry'],
] as const;

/** @throws Error with one line that names the command to run, if services lack a plugin that an option needs. */
export function requirePlugins(asked: Readonly<Record<'auth' | 'observe', boolean>>, on = root): void {
  const manifests = ownServices(on).map((service) => readJson(path.join(on, folderOf(service, on), 'package.json')));
  const isMissing = (name: string) => manifests.some(({ dependencies }) => !dependencies?.[`@rondo/${name}`]);
  const missing = PLUGINS.filter(([option, name]) => asked[option] && isMissing(name));
  if (missing.length === 0) return;
  const options = missing.map(([option]) => `--${option}`).join(', ');
  const names = missing.map(([, name]) => name).join(' ');
  throw new Error(`${options}: services lack plugins; run ./rondo add ${names}, and start again`);
}

/** The absolute path of what the user typed: npm runs scripts in the root, wherever it was called. */
export const givenPath = (typed: string): string => path.resolve(process.env.INIT_CWD ?? root, typed);

/** The option that `rondo logs` and other commands need if the data folder isn't the default one. */
export const dataFlag = (data: string): string => (data === DEFAULTS.data ? '' : ` --data ${quoted(data)}`);

/** The usage of a task. Arguments of an npm script follow a "--". */
export const usageOf = (command: string, task: TaskName): string => `${withArguments(command)} ${tasks[task].usage}`;

const withArguments = (command: string): string => (command.startsWith('npm ') ? `${command} --` : command);

/** The command that starts a system on another data folder. */
export const startElsewhere = (command: string): string => `${withArguments(command)} --data DIR`;

/** The command that starts a system next to one that has its ports. */
export const startAlongside = (command: string, { portBase }: Pick<SystemOptions, 'portBase'>): string =>
  `${withArguments(command)} --port-base ${portBase < 60_000 ? portBase + 1000 : portBase - 1000}`;

/** The variables that the `.env` of the root has given to this process. */
const fromRoot = new Set<string>();

export const envFileOf = (service: string): string => path.join(root, 'services', service, '.env');

/** Adds the variables of the root's `.env` that this process's environment doesn't set. */
export function loadRootEnv(): void {
  for (const [name, value] of Object.entries(readEnv(path.join(root, '.env')))) {
    if (process.env[name] !== undefined) continue;
    process.env[name] = value;
    fromRoot.add(name);
  }
}

/** The environment of a service's processes: the launcher's outranks the service's `.env`, which outranks the root's. */
export function environmentOf(service: string): NodeJS.ProcessEnv {
  const own = readEnv(envFileOf(service));
  const inherited = Object.entries(process.env).filter(
    ([name]) => !NOT_FOR_SERVICES.includes(name) && !(fromRoot.has(name) && name in own),
  );
  return { ...own, ...Object.fromEntries(inherited) };
}

/** Empty if `.env` is not a file: Python's tools make a folder of that name. */
const readEnv = (file: string): NodeJS.Dict<string> => (isFile(file) ? parseEnv(readFileSync(file, 'utf8')) : {});
