/** Removes from the environment what a shell or a hook happens to have, and would decide over what Rondo does. */
import { homedir } from 'node:os';
import path from 'node:path';
import { isWritable } from './files.js';
import { isInstalled, root } from './paths.js';

/**
 * Git tells its hooks by these which repository they run for. With them, git in any other folder would change that repository.
 * Source: `git rev-parse --local-env-vars`.
 */
const OF_A_REPOSITORY = [
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_CONFIG',
  'GIT_CONFIG_COUNT',
  'GIT_CONFIG_PARAMETERS',
  'GIT_DIR',
  'GIT_GRAFT_FILE',
  'GIT_IMPLICIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_INTERNAL_SUPER_PREFIX',
  'GIT_NO_REPLACE_OBJECTS',
  'GIT_OBJECT_DIRECTORY',
  'GIT_PREFIX',
  'GIT_REPLACE_REF_BASE',
  'GIT_SHALLOW_FILE',
  'GIT_WORK_TREE',
];

/** What libpq and node-postgres read. An URL of Rondo's says all about a connection. */
const OF_POSTGRES = /^(?:PG[A-Z_]+|NODE_PG_FORCE_NATIVE)$/;

/** A debugger's port, or a file that is loaded first, can't be right for all processes. This one has started with it. */
const OF_NODE = 'NODE_OPTIONS';

/** Where npm, pnpm and buf keep what they download. They make folders for it in the account's home, unless these name others. */
const CACHES = ['npm_config_cache', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'];

/** Cleans the environment of this process. `.env` files are read later: what they set stays. */
export function cleanEnvironment(): void {
  for (const name of Object.keys(process.env)) {
    if (OF_A_REPOSITORY.includes(name) || OF_POSTGRES.test(name) || name === OF_NODE) delete process.env[name];
  }
  // An app has contracts of its own besides those of @rondo/contracts.
  if (isInstalled) process.env['RONDO_DESCRIPTORS'] ??= path.join(root, 'packages/contracts/descriptors.binpb');
  // In a container an account may have no home, or one that belongs to root.
  if (isWritableHome()) return;
  // npm tells its scripts its default.
  const byNpm = path.join(process.env['HOME'] ?? '', '.npm');
  if (process.env['npm_config_cache'] === byNpm) delete process.env['npm_config_cache'];
  for (const name of CACHES) process.env[name] ??= path.join(root, '.rondo/caches', name);
}

function isWritableHome(): boolean {
  try {
    return isWritable(homedir());
  } catch {
    return false; // an account without an entry
  }
}

/**
 * What services don't inherit, neither from the shell nor from the root's `.env`: it is of one process, or of the person who calls
 * by `rondo`. One certificate can't be that of all services: `--tls` makes one for each, and `--auth` has them check their callers.
 */
export const NOT_FOR_SERVICES: readonly string[] = [
  'DATABASE_URL',
  'DATABASE_URL_FILE',
  'RONDO_ADVERTISE',
  'RONDO_AUTH',
  'RONDO_DATABASE_ADMIN_URL',
  'RONDO_DATABASE_ADMIN_URL_FILE',
  'RONDO_METRICS',
  'RONDO_TLS',
  'RONDO_TLS_DIR',
  'RONDO_TOKEN',
  'RONDO_TOKEN_FILE',
  'RONDO_WORKSPACE',
];
