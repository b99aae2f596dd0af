/** What processes find in their environment: that of the launcher, and what `.env` files add to it. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { root } from '../process.mjs';

/** What a shell may have set for its own use, and no service here may inherit. */
const OURS_ALONE = ['RONDO_ADVERTISE', 'RONDO_METRICS', 'RONDO_DATABASE_ADMIN_URL', 'DATABASE_URL'];
/** The variables that the `.env` of the root has given to this process. */
const fromRoot = new Set();

/** Where the variables of one service are. */
export const envFileOf = (service) => path.join(root, 'services', service, '.env');

/** Takes what the root's `.env` sets and this process's environment doesn't. */
export function loadRootEnv() {
  for (const [name, value] of Object.entries(readEnv(path.join(root, '.env')))) {
    if (process.env[name] !== undefined) continue;
    process.env[name] = value;
    fromRoot.add(name);
  }
}

/**
 * What a process of a service inherits. Its own `.env` counts more than the root's, and the environment in which the
 * launcher was started more than both.
 * @param {string} service
 * @returns {Record<string, string>}
 */
export function environmentOf(service) {
  const own = readEnv(envFileOf(service));
  const inherited = Object.entries(process.env).filter(
    ([name]) => !OURS_ALONE.includes(name) && !(fromRoot.has(name) && name in own),
  );
  return { ...own, ...Object.fromEntries(inherited) };
}

/** A folder may be called so, too: Python's tools make one. */
const readEnv = (file) =>
  statSync(file, { throwIfNoEntry: false })?.isFile() ? parseEnv(readFileSync(file, 'utf8')) : {};
