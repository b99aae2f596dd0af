/** The services as processes of this one: started, logged and stopped with it. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../process.mjs';
import { openLog } from './data-folder.mjs';
import { environmentOf } from './options.mjs';

const WARNINGS = new Set(['warn', 'error', 'fatal']);
const STOP_TIMEOUT_MS = 15_000;

/**
 * @typedef {object} Child
 * @property {string} name
 * @property {number | undefined} pid
 * @property {Promise<string>} ended How it ended, in words.
 * @property {() => boolean} isRunning
 * @property {(signal: NodeJS.Signals) => void} kill
 * @property {() => string[]} lastLines The end of its output, for when it fails.
 */

/** What a service is run from. */
export const entryOf = (service) => path.join(root, 'services', service, 'dist/main.js');

/**
 * Starts one service.
 * @param {import('./plan.mjs').Planned} planned
 * @param {{ data: string, env: Record<string, string>, warn: (line: string) => void, append: boolean }} options `append`
 *   goes on in the log that is there.
 * @returns {Child}
 */
export function startChild({ name, service, port }, { data, env, warn, append }) {
  // Stacks name the sources, as in the images.
  const child = spawn(process.execPath, ['--enable-source-maps', entryOf(service)], {
    cwd: root,
    env: { ...environmentOf(service), ...env, RONDO_INSTANCE_ID: name, RONDO_LISTEN: `127.0.0.1:${port}` },
    // Ctrl-C reaches this process alone, which stops the others in order; they stop by themselves when the channel to
    // it breaks, whatever ended it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const recent = [];
  const log = openLog(data, name, { append });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`);
      recent.push(line);
      if (recent.length > 10) recent.shift();
      const warning = toWarning(line);
      if (warning !== undefined) warn(`${name}: ${warning}`);
    });
  }
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // Not at 'exit': what it said last may still be on its way.
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  }).finally(() => log.end());
  const isRunning = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return { name, pid: child.pid, ended, isRunning, kill: (signal) => child.kill(signal), lastLines: () => [...recent] };
}

/**
 * Stops processes with SIGTERM, and those that take too long with SIGKILL.
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
 * Rejects when the first of them ends, with the end of what it said.
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
  failed.catch(() => undefined); // once all is up, each end is a line of its own
  return failed;
}

function toWarning(line) {
  try {
    const { level, msg, error, reason, err } = JSON.parse(line);
    if (!WARNINGS.has(level)) return undefined;
    const why = error ?? reason ?? err?.message;
    return why === undefined || msg.includes(why) ? msg : `${msg} (${why})`;
  } catch {
    return line; // no log line: whatever it is, it wasn't meant to be there
  }
}
