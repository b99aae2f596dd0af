import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findProcess } from './process-table.js';

/** A server that somebody else started. */
export interface FoundServer {
  /** The superuser's address. */
  readonly url: string;
  /** Where its data and its password are. */
  readonly home: string;
}

/** The server that runs on a folder of `startEmbeddedPostgres`; undefined where none does. */
export function findServer(directory: string): FoundServer | undefined {
  const data = [join(resolve(directory), 'data'), join(resolve(directory), 'cluster', 'data')].find(existsSync);
  const lockFile = data && join(data, 'postmaster.pid');
  if (data === undefined || lockFile === undefined || !existsSync(lockFile)) return undefined;
  // pid, data folder, start time, port, … (PostgreSQL's pidfile.h)
  const [pid, , , port] = readFileSync(lockFile, 'utf8').split('\n');
  if (port === undefined || !(findProcess(Number(pid))?.command.includes('-D ') ?? false)) return undefined;
  const home = realpathSync(dirname(data));
  const password = readFileSync(join(home, 'password'), 'utf8').trim();
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, home };
}
