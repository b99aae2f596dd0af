/** Processes of this machine: those of the system on a data folder. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { DEFAULTS } from '../launch/options.js';
import { root } from '../workspace/paths.js';
import { startable } from '../workspace/process.js';

/** Finds what lives of the system on a data folder. A process counts only if its command is one of ours, as ids are reused. */
export async function findSystem(data: string) {
  const { pid, registry, auth } = readJson(path.join(data, 'launcher.json'));
  const portBase = Number(/:(\d+)$/.exec(String(registry))?.[1] ?? DEFAULTS.portBase);
  const processes: { name: string; pid: number }[] = [];
  for (const [name, id] of Object.entries(readJson(path.join(data, 'processes.json')))) {
    if (/(?:services|@rondo)[\\/]/.test((await commandOf(id)) ?? '')) processes.push({ name, pid: Number(id) });
  }
  const launcher = /scripts[\\/]|rondo/.test((await commandOf(pid)) ?? '') ? Number(pid) : undefined;
  return { launcher, processes, portBase, auth: launcher !== undefined && auth === true };
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
