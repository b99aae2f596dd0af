/** A child process of a service: started, logged, stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { servicePages } from '../build/pages.js';
import { messageOf } from '../workspace/errors.js';
import { entryOf, folderOf, REGISTRY } from '../workspace/manifests.js';
import { joinProgram, root } from '../workspace/paths.js';
import { openLog } from './data-folder.js';
import { environmentOf, type SystemOptions } from './options.js';
import { consoleOf, type Planned } from './plan.js';
import { tlsVariables } from './security.js';

const WARNINGS = new Set(['warn', 'error', 'fatal']);
const LAST_LINES = 10;
/** What each process has for the spans of its last calls and its last log lines, unless the environment says otherwise. */
const RECENT_BYTES = '5242880';
/** Longer than a whole drain: 11 s by default, and at most 12 more for a registry, or resources, that don't answer. */
const STOP_TIMEOUT_MS = 25_000;

export type Child = ReturnType<typeof startChild>;

export interface ChildOptions extends Pick<SystemOptions, 'data' | 'certs'> {
  readonly env: Readonly<Record<string, string>>;
  readonly warn: (line: string) => void;
  /** Whether its log is continued. */
  readonly append: boolean;
  /** Whether it waits until `takeOver` before it listens. */
  readonly takesOver: boolean;
}

export function startChild(planned: Planned, { data, certs, env, warn, append, takesOver }: ChildOptions) {
  const { name, service, port, public: outside } = planned;
  const inherited = environmentOf(service);
  // The launcher's database replaces the one of the service's .env, however that names it.
  if (env.DATABASE_URL !== undefined) delete inherited.DATABASE_URL_FILE;
  const kept = service === REGISTRY ? {} : { RONDO_RECENT_BYTES: RECENT_BYTES };
  const listens = { RONDO_LISTEN: `127.0.0.1:${port}`, ...(outside && { [outside.variable]: outside.address }) };
  const consoleAddress = consoleOf(planned);
  const handover = takesOver ? ['--handover'] : [];
  const program = planned.join
    ? ['--lite-mode', joinProgram, 'join', ...handover, ...joinArguments(planned.join, port)]
    : [entryOf(service), ...handover, ...consoleArguments(planned, data)];
  const child = spawn(process.execPath, program, {
    cwd: planned.join ? path.join(root, folderOf(service)) : root,
    env: {
      ...kept,
      ...(outside?.console && consoleAddress !== undefined && { [outside.console]: consoleAddress }),
      ...inherited,
      ...env,
      ...tlsVariables(certs, service),
      RONDO_INSTANCE_ID: name,
      ...listens,
    },
    // A detached process doesn't get the terminal's Ctrl-C: the launcher stops the processes in order. They stop by themselves
    // when the channel to the launcher breaks.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  const log = openLog(data, name, { append });
  const recent: string[] = [];
  for (const input of streams) {
    createInterface({ input }).on('line', (line) => {
      log.write(line);
      recent.push(line);
      if (recent.length > LAST_LINES) recent.shift();
      const warning = toWarning(line);
      if (warning !== undefined) warn(`${name}: ${warning}`);
    });
  }
  return {
    name,
    pid: child.pid,
    /** Resolves to how it ended, in words. */
    ended: endOf(child, streams).finally(log.end),
    /** Resolves when a process that takes over lacks only its ports. Services send nothing else. */
    prepared: new Promise((resolve) => child.once('message', resolve)),
    /** Lets such a process listen. Whether it runs shows in `ended`. */
    takeOver: () => void child.send('listen', () => undefined),
    isRunning: () => child.pid !== undefined && child.exitCode === null && child.signalCode === null,
    kill: (signal: NodeJS.Signals): void =>
      signal === 'SIGTERM' && drainsByChannel(child) ? child.disconnect() : void child.kill(signal),
    /** The end of its output, for an error message. */
    lastLines: (): readonly string[] => [...recent],
  };
}

/** A server in another language, as `rondo join` starts and registers it. */
const joinArguments = ({ services, command }: NonNullable<Planned['join']>, port: number): readonly string[] => [
  ...services.flatMap((service) => ['--service', service]),
  ...['--address', `127.0.0.1:${port}`, '--', ...command],
];

/** Where the service that serves the console finds this launcher and the pages of services. */
const consoleArguments = ({ public: outside }: Planned, data: string): readonly string[] =>
  outside?.console ? ['--launcher', path.join(data, 'launcher.json'), '--pages', servicePages] : [];

function endOf(child: ChildProcess, streams: readonly NodeJS.EventEmitter[]): Promise<string> {
  const closed = Promise.all(streams.map((stream) => once(stream, 'close')));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // The last output may arrive after it. 'close' never comes once the channel is closed from here.
    child.once('exit', (code, signal) => void closed.then(() => resolve(signal ?? `exit code ${code}`)));
  });
}

/** On Windows every signal kills. A service drains as well when its channel breaks. */
const drainsByChannel = (child: ChildProcess): boolean => process.platform === 'win32' && child.connected;

/** Stops processes by SIGTERM, and processes that take too long by SIGKILL. */
export async function stopChildren(children: readonly Pick<Child, 'kill' | 'ended'>[]): Promise<void> {
  for (const { kill } of children) kill('SIGTERM');
  const timer = setTimeout(() => killAll(children), STOP_TIMEOUT_MS);
  await Promise.all(children.map(({ ended }) => ended));
  clearTimeout(timer);
}

export function killAll(children: readonly Pick<Child, 'kill'>[]): void {
  for (const { kill } of children) kill('SIGKILL');
}

/** Rejects when the first process ends, with the end of its output. */
export function firstToEnd(children: readonly Pick<Child, 'name' | 'ended' | 'lastLines'>[]): Promise<never> {
  const failed = Promise.race(
    children.map(async ({ name, ended, lastLines }): Promise<never> => {
      const how = await ended;
      throw new Error([`${name} has ended (${how})`, ...plainly(lastLines())].join('\n  '));
    }),
  );
  failed.catch(() => undefined); // after the start the supervisor reports exits
  return failed;
}

/** For people: what isn't of the log, or else the warnings of the log. */
function plainly(lines: readonly string[]): readonly string[] {
  const plain = lines.filter((line) => !line.startsWith('{'));
  return plain.length > 0 ? plain : lines.flatMap((line) => toWarning(line) ?? []);
}

function toWarning(line: string): string | undefined {
  try {
    const { level, msg, method = '', path: requested = '', error, reason, err } = JSON.parse(line);
    if (!WARNINGS.has(level)) return undefined;
    const called = `${method} ${requested}`.trim().replace(/^\//, '');
    const text = called === '' ? msg : `${msg}: ${called}`;
    const why = error ?? reason ?? (err && messageOf(err));
    return why === undefined || msg.includes(why) ? text : `${text} (${why})`;
  } catch {
    return line; // not a log line, such as a stack that Node prints
  }
}
