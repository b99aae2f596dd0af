/** The options of `npm start` and `rondo dev`, and the environment of the processes that they start. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { NOT_FOR_SERVICES } from '../workspace/environment.js';
import { parse, quoted, takenByNpm } from '../workspace/options.js';
import { root } from '../workspace/paths.js';

const OPTIONS = '[--data DIR] [--port-base N] [--tls] [--auth] [--metrics] [--no-restart]';
const EXPLAINED = `
  --data DIR       the folder of the database, logs and passwords; .rondo by default
  --port-base N    the registry's port, 50050 by default; the others follow it
  --tls            encrypt every connection, with certificates that are made for it: Rondo's docs/guides/security.md
  --auth           verify who calls, with an issuer that is made for it; and --tls: Rondo's docs/guides/security.md
  --metrics        serve each process's metrics, 500 ports above its own port
  --no-restart     don't restart a process that ends by itself
  --help           print this text

Each process reads services/<name>/.env and .env. Variables of the environment outrank both files.`;
/** The defaults of the options. */
export const DEFAULTS = { data: path.join(root, '.rondo'), portBase: 50_050 };
/** The gateway's own port has the highest offset of the services that come with Rondo. */
const LAST_OFFSET = 21;
const ACCEPTED = {
  data: { type: 'string' },
  'port-base': { type: 'string', default: `${DEFAULTS.portBase}` },
  tls: { type: 'boolean', default: false },
  auth: { type: 'boolean', default: false },
  metrics: { type: 'boolean', default: false },
  'no-restart': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

/**
 * @typedef {object} Options
 * @property {string} data The data folder, absolute.
 * @property {number} portBase The registry's port; the others follow it.
 * @property {string} [certs] The folder of the certificates, with --tls.
 * @property {string} [auth] The folder of the development issuer, with --auth.
 * @property {boolean} metrics Whether each process serves its metrics.
 * @property {string} [help] The text of --help, if it was given: then the other fields are missing.
 * @property {boolean} restarts Whether a process that ends by itself is restarted.
 */

/**
 * @param {string[]} args
 * @param {string} command The command, such as `npm start`.
 * @returns {Options}
 * @throws {Error} with one line that says what is wrong, and the usage.
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
  const auth = values.auth ? { auth: path.join(data, 'auth') } : {};
  const certs = values.tls || values.auth ? { certs: path.join(data, 'certs') } : {};
  return { data, portBase, ...certs, ...auth, metrics: values.metrics, restarts: !values['no-restart'] };
}

/**
 * The option that `rondo logs` and other commands need if the data folder isn't the default one.
 * @param {string} data
 */
export const dataFlag = (data) => (data === DEFAULTS.data ? '' : ` --data ${quoted(data)}`);

/** The usage. Arguments of an npm script follow a "--". */
const usageOf = (command) => `${command} ${command.startsWith('npm ') ? '-- ' : ''}${OPTIONS}`;

/** The command that starts a system on another data folder. */
export const startElsewhere = (command) => usageOf(command).replace(OPTIONS, '--data DIR');

/**
 * The command that starts a system beside a running one: on another data folder only if that one has this folder.
 * @param {string} command
 * @param {Pick<Options, 'data' | 'portBase'>} options What was asked for.
 */
export function startBeside(command, { data, portBase }) {
  const start = existsSync(path.join(data, 'launcher.json'))
    ? `${startElsewhere(command)} `
    : usageOf(command).replace(OPTIONS, '');
  return `${start}--port-base ${portBase < 60_000 ? portBase + 1000 : portBase - 1000}`;
}

/** The variables that the `.env` of the root has given to this process. */
const fromRoot = new Set();

/** The `.env` file of a service. */
export const envFileOf = (service) => path.join(root, 'services', service, '.env');

/** Adds the variables of the root's `.env` that this process's environment doesn't set. */
export function loadRootEnv() {
  for (const [name, value] of Object.entries(readEnv(path.join(root, '.env')))) {
    if (process.env[name] !== undefined) continue;
    process.env[name] = value;
    fromRoot.add(name);
  }
}

/**
 * The environment of a service's processes. The service's `.env` outranks the root's, and the launcher's environment outranks
 * both.
 * @param {string} service
 * @returns {Record<string, string>}
 */
export function environmentOf(service) {
  const own = readEnv(envFileOf(service));
  const inherited = Object.entries(process.env).filter(
    ([name]) => !NOT_FOR_SERVICES.includes(name) && !(fromRoot.has(name) && name in own),
  );
  return { ...own, ...Object.fromEntries(inherited) };
}

/** Empty if `.env` is not a file: Python's tools make a folder of that name. */
const readEnv = (file) =>
  statSync(file, { throwIfNoEntry: false })?.isFile() ? parseEnv(readFileSync(file, 'utf8')) : {};
