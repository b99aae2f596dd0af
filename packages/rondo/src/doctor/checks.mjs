/** The checks that need the repository, and the doctor for a clone whose CLI isn't built. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULTS, loadRootEnv } from '../launch/options.js';
import { database } from './database.mjs';
import { CHECKS, fail, formatFinding, isHealthy, warn } from './finding.js';
import { cores, disk, git, memory, node, npm, openFiles, platform, threads, watches } from './machine.mjs';
import { data, locks, ports, processes } from './runtime.mjs';
import { findSystem } from './system.mjs';
import { built, generated, packages } from './workspace.mjs';

/**
 * A new check is a function here and a name in {@link CHECKS}.
 * @type {Record<string, import('./finding.js').Check>}
 */
const checks = {
  platform,
  node,
  npm,
  git,
  cores,
  memory,
  disk,
  'open files': openFiles,
  threads,
  watches,
  packages,
  'generated code': generated,
  'built code': built,
  'data folder': data,
  locks,
  ports,
  processes,
  database,
};
/** Only a check that hangs reaches it. */
const DEADLINE_MS = 30_000;

/**
 * Runs the checks of the repository, one after the other: on a busy machine each would make the others late. It reads the root's
 * `.env`, so that it finds what `npm start` would find. A check that is late or throws is a finding too: it doesn't hide the others.
 * @param {import('./finding.js').Subject} subject
 * @param {{ all?: Record<string, import('./finding.js').Check> }} [options]
 * @returns {AsyncGenerator<import('./finding.js').Finding>}
 */
export async function* examineRepository(subject, { all = checks } = {}) {
  loadRootEnv();
  for (const name of CHECKS.filter((one) => one in all)) {
    yield { name, ...(await attempt(all[name], subject)) };
  }
}

async function attempt(check, subject) {
  let timer;
  const late = new Promise((resolve) => {
    const found = warn(
      `not known: the check took more than ${DEADLINE_MS / 1000} s`,
      'run it again when less is going on',
    );
    timer = setTimeout(() => resolve(found), DEADLINE_MS);
  });
  try {
    return await Promise.race([check(subject), late]);
  } catch (error) {
    return fail(error.message);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The address of the registry of the system that runs on `data`; undefined if none runs.
 * @param {string} data
 * @returns {Promise<string | undefined>}
 */
export async function runningRegistry(data) {
  const { processes: running, portBase } = await findSystem(data);
  return running.length === 0 ? undefined : `127.0.0.1:${portBase}`;
}

/**
 * `rondo doctor` while the CLI can't be loaded: the checks of the repository alone, in the CLI's form.
 * @param {string[]} args The arguments after `doctor`.
 * @param {string} reason Why the CLI can't be loaded.
 * @returns {Promise<number>} the exit code, always 1: that the CLI is missing is a fault.
 */
export async function examineWithoutCli(args, reason) {
  const options = { data: { type: 'string' }, json: { type: 'boolean' } };
  const { values } = parseArgs({ args, options, strict: false });
  const folder = path.resolve(process.env.INIT_CWD ?? '.', String(values.data ?? DEFAULTS.data));
  const findings = [];
  for await (const finding of examineRepository({ data: folder, environment: process.env })) findings.push(finding);
  const first = isHealthy(findings) ? '' : 'do what stands above; then ';
  findings.push({ name: 'rondo', ...fail(reason, `${first}npm run build`) });
  if (values.json) console.log(JSON.stringify({ healthy: false, findings }));
  else process.stdout.write(findings.map((finding) => formatFinding(finding)).join(''));
  return 1;
}
