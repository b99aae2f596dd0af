/** What `npm start` and `rondo dev` can be told. */
/** What processes find in their environment: that of the launcher, and what `.env` files add to it. */

import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { parse, quoted, takenByNpm } from '../options.mjs';
import { root } from '../process.mjs';

const OPTIONS = '[--data DIR] [--port-base N] [--metrics] [--no-restart]';
const EXPLAINED = `
  --data DIR       where the database, logs and passwords are kept; .rondo by default
  --port-base N    the registry's port, which the others follow; 50050 by default
  --metrics        serve each process's metrics, 500 ports above its own
  --no-restart     leave a process down that ends by itself
  --help           print this

Processes read services/<name>/.env, and all of them .env; what the environment sets counts more.`;
/** Where a system is when it isn't told otherwise. */
export const DEFAULTS = { data: path.join(root, '.rondo'), portBase: 50_050 };
const LAST_OFFSET = 9;
const ACCEPTED = {
  data: { type: 'string' },
  'port-base': { type: 'string', default: `${DEFAULTS.portBase}` },
  metrics: { type: 'boolean', default: false },
  'no-restart': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

/**
 * @typedef {object} Options
 * @property {string} data Holds the database, the logs and the passwords; absolute.
 * @property {number} portBase The registry's port; the others follow it.
 * @property {boolean} metrics Whether each process serves its metrics.
 * @property {string} [help] What was asked for instead.
 * @property {boolean} restarts Whether a process that ends by itself is started again.
 */

/**
 * @param {string[]} args
 * @param {string} command What they were given to: `npm start`.
 * @returns {Options}
 * @throws {Error} with one line that says what is wrong and how it's done.
 */
export function parseOptions(args, command) {
  const usage = usageOf(command);
  const taken = takenByNpm(Object.keys(ACCEPTED), usage);
  if (taken !== undefined) throw new Error(taken);
  const { values, positionals } = parse({ args, allowPositionals: true, options: ACCEPTED }, usage);
  if (values.help) return { help: `${usage}\n${EXPLAINED}` };
  if (positionals.length > 0) {
    // `npm start --data D` hands npm the flag and leaves us its value.
    throw new Error(`"${positionals[0]}" is not expected here; options come after a "--": ${usage}`);
  }
  const portBase = Number(values['port-base']);
  if (!Number.isInteger(portBase) || portBase < 1024 || portBase > 65_535 - LAST_OFFSET) {
    const range = `1024 to ${65_535 - LAST_OFFSET}`;
    throw new Error(`--port-base ${values['port-base']}: must be a whole number from ${range}: ${usage}`);
  }
  if (values.data === '') throw new Error(`--data must name a folder: ${usage}`);
  const data = path.resolve(process.env.INIT_CWD ?? root, values.data ?? DEFAULTS.data);
  return { data, portBase, metrics: values.metrics, restarts: !values['no-restart'] };
}

/**
 * What `rondo logs` and the like are told where the data isn't in the usual folder.
 * @param {string} data
 */
export const dataFlag = (data) => (data === DEFAULTS.data ? '' : ` --data ${quoted(data)}`);

/** npm's own options come before a "--". */
const usageOf = (command) => `${command} ${command.startsWith('npm ') ? '-- ' : ''}${OPTIONS}`;

/**
 * How the same is started beside a system that runs.
 * @param {string} command
 * @param {number} portBase The one that is in use.
 */
export const startBeside = (command, portBase) =>
  `${usageOf(command).replace(OPTIONS, '')}--data DIR --port-base ${portBase < 60_000 ? portBase + 1000 : portBase - 1000}`;

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
