/** Child processes of services: starting, logging and stopping them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { root } from '../workspace/paths.js';
import { tlsVariables } from './certificates.mjs';
import { openLog } from './data-folder.mjs';
import { entryOf } from './manifests.mjs';
import { environmentOf } from './options.mjs';

const WARNINGS = new Set(['warn', 'error', 'fatal']);
const STOP_TIMEOUT_MS = 15_000;

/**
 * @typedef {object} Child
 * @property {string} name
 * @property {number | undefined} pid
 * @property {Promise<string>} ended Resolves to how it ended, in words.
 * @property {Promise<void>} prepared Resolves when a process with `RONDO_HANDOVER_MS` lacks only its ports.
 * @property {() => void} takeOver Lets such a process listen.
 * @property {() => boolean} isRunning
 * @property {(signal: NodeJS.Signals) => void} kill
 * @property {() => string[]} lastLines The end of its output, for an error message.
 */

/**
 * Starts one instance of a service.
 * @param {import('./plan.mjs').Planned} planned
 * @param {{ data: string, certs?: string, env: Record<string, string>, warn: (line: string) => void, append: boolean }} options `append` keeps
 *   the log and adds to it.
 * @returns {Child}
 */
export function startChild({ name, service, port, public: outside }, { data, certs, env, warn, append }) {
  const listens = { RONDO_LISTEN: `127.0.0.1:${port}`, ...(outside && { [outside.variable]: outside.address }) };
  const inherited = environmentOf(service);
  // The launcher's database replaces the one of the service's .env, however that names it.
  if (env.DATABASE_URL !== undefined) delete inherited.DATABASE_URL_FILE;
  const child = spawn(process.execPath, [entryOf(service)], {
    cwd: root,
    env: { ...inherited, ...env, ...tlsVariables(certs, service), RONDO_INSTANCE_ID: name, ...listens },
    // A detached process doesn't get the terminal's Ctrl-C: the launcher stops the processes in order. They stop by themselves
    // when the channel to the launcher breaks.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const recent = [];
  const log = openLog(data, name, { append });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      log.write(line);
      recent.push(line);
      if (recent.length > 10) recent.shift();
      const warning = toWarning(line);
      if (warning !== undefined) warn(`${name}: ${warning}`);
    });
  }
  const closed = [child.stdout, child.stderr].map((stream) => once(stream, 'close'));
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // The last output may arrive after it. 'close' never comes once the channel is closed from here.
    child.once('exit', (code, signal) => Promise.all(closed).then(() => resolve(signal ?? `exit code ${code}`)));
  }).finally(() => log.end());
  // Services send nothing else.
  const prepared = new Promise((resolve) => child.once('message', resolve));
  const isRunning = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid: child.pid,
    ended,
    prepared,
    takeOver: () => child.send('listen', () => undefined), // whether it runs shows in `ended`
    isRunning,
    kill: (signal) => (signal === 'SIGTERM' && drainsByChannel(child) ? child.disconnect() : child.kill(signal)),
    lastLines: () => [...recent],
  };
}

/** On Windows every signal kills. A service drains as well when its channel breaks. */
const drainsByChannel = (child) => process.platform === 'win32' && child.connected;

/**
 * Stops processes by SIGTERM, and processes that take too long by SIGKILL.
 * @param {Child[]} children
 */
export async function stopChildren(children) {
  for (const { kill } of children) kill('SIGTERM');
  const timer = setTimeout(() => {
    for (const { kill } of children) kill('SIGKILL');
  }, STOP_TIMEOUT_MS);
  await Promise.all(children.map(({ ended }) => ended));
  clearTimeout(timer);
}

/**
 * Rejects when the first process ends, with the end of its output.
 * @param {Child[]} children
 * @returns {Promise<never>}
 */
export function firstToEnd(children) {
  const failed = Promise.race(
    children.map(async ({ name, ended, lastLines }) => {
      const how = await ended;
      throw new Error([`${name} has ended (${how})`, ...lastLines()].join('\n  '));
    }),
  );
  failed.catch(() => undefined); // after the start the supervisor reports exits
  return failed;
}

function toWarning(line) {
  try {
    const { level, msg, error, reason, err } = JSON.parse(line);
    if (!WARNINGS.has(level)) return undefined;
    const why = error ?? reason ?? err?.message;
    return why === undefined || msg.includes(why) ? msg : `${msg} (${why})`;
  } catch {
    return line; // not a log line, such as a stack that Node prints
  }
}
