/** Processes of this machine: those of the system on a data folder, and those that listen at a port. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { DEFAULTS } from '../launch/options.js';
import { codeOf } from '../workspace/errors.js';
import { root } from '../workspace/paths.js';
import { startable } from '../workspace/process.js';

/** What runs on a data folder. */
interface System {
  /** The id of the launcher, if it lives. */
  readonly launcher: number | undefined;
  /** The living processes of services. */
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  readonly portBase: number;
}

/** Finds the system that runs on a data folder. A process counts only if its command is one of ours, as ids are reused. */
export async function findSystem(data: string): Promise<System> {
  const { pid, registry } = readJson(path.join(data, 'launcher.json'));
  const portBase = Number(/:(\d+)$/.exec(String(registry))?.[1] ?? DEFAULTS.portBase);
  const processes: { name: string; pid: number }[] = [];
  for (const [name, id] of Object.entries(readJson(path.join(data, 'processes.json')))) {
    if (/(?:services|@rondo)[\\/]/.test((await commandOf(id)) ?? '')) processes.push({ name, pid: Number(id) });
  }
  const launcher = /scripts[\\/]|rondo/.test((await commandOf(pid)) ?? '') ? Number(pid) : undefined;
  return { launcher, processes, portBase };
}

/** Reads a JSON object; `{}` if the file is missing or half written. */
export function readJson(file: string): Readonly<Record<string, unknown>> {
  if (!existsSync(file)) return {};
  try {
    return { ...JSON.parse(readFileSync(file, 'utf8')) };
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** Whether a process is suspended, as by Ctrl-Z; false if it isn't known. */
export async function isSuspended(pid: number): Promise<boolean> {
  return /^T/.test((await ask('ps', ['-o', 'state=', '-p', String(pid)])) ?? '');
}

/** The command line of a process; undefined if there is no such process or it isn't known. */
export async function commandOf(pid: unknown): Promise<string | undefined> {
  if (!Number.isSafeInteger(pid) || Number(pid) <= 0) return undefined;
  const file = `/proc/${pid}/cmdline`;
  if (process.platform !== 'linux') return ask('ps', ['-o', 'command=', '-p', String(pid)]);
  return existsSync(file) ? readFileSync(file, 'utf8').replaceAll('\0', ' ').trim() : undefined;
}

/** TCP_LISTEN of Linux's include/net/tcp_states.h. */
const LISTEN = '0A';

/** The id of the process that listens at the port; undefined if there is none, or if it belongs to another user. */
export async function listenerAt(port: number): Promise<number | undefined> {
  if (process.platform === 'linux') return holderOf(inodesAt(port));
  const found = await ask('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t']);
  return found === undefined || found === '' ? undefined : Number(found.split('\n')[0]);
}

function inodesAt(port: number): readonly string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap((file) => readIfAllowed(() => readFileSync(file, 'utf8').split('\n')))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(suffix) && state === LISTEN)
    .map((columns) => `socket:[${columns[9]}]`);
}

function holderOf(sockets: readonly string[]): number | undefined {
  if (sockets.length === 0) return undefined;
  const found = readIfAllowed(() => readdirSync('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .find((pid) =>
      readIfAllowed(() => readdirSync(`/proc/${pid}/fd`)).some((fd) =>
        sockets.includes(readLink(`/proc/${pid}/fd/${fd}`)),
      ),
    );
  return found === undefined ? undefined : Number(found);
}

/** Empty if the process has ended meanwhile, or belongs to another user. */
function readIfAllowed(look: () => string[]): string[] {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(codeOf(error) ?? '')) return [];
    throw error;
  }
}

const readLink = (file: string) => readIfAllowed(() => [readlinkSync(file)])[0] ?? '';

/** Longer than a check may take: what is late isn't known, and must not pass for missing. */
const TIMEOUT_MS = 60_000;

/** Runs a program and returns its trimmed output; undefined if it is missing, fails or takes too long. */
export async function ask(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(...startable(command, args), { cwd: root, timeout: TIMEOUT_MS });
    return stdout.trim();
  } catch {
    return undefined;
  }
}
