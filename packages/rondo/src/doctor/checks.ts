/** The checks that need the repository, and the doctor for a clone whose CLI isn't built. */
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DEFAULTS, loadRootEnv } from '../launch/options.js';
import { console } from '../terminal/console.js';
import { messageOf } from '../workspace/errors.js';
import { database } from './database.js';
import {
  type Check,
  type Finding,
  fail,
  formatFinding,
  isHealthy,
  type Outcome,
  type Subject,
  warn,
} from './finding.js';
import { disk, git, memory, node, npm, openFiles, platform, threads, watches } from './machine.js';
import { data, ports, processes } from './runtime.js';
import { findSystem } from './system.js';
import { built, callers, generated, packages } from './workspace.js';

/** In the order in which they are made. A new check is a function here. */
const checks: Readonly<Record<string, Check>> = {
  platform,
  node,
  npm,
  git,
  memory,
  disk,
  'open files': openFiles,
  threads,
  watches,
  packages,
  'generated code': generated,
  'built code': built,
  callers,
  'data folder': data,
  ports,
  processes,
  database,
};
/** Only a check that hangs reaches it. */
const DEADLINE_MS = 30_000;

/**
 * Runs the checks of the repository, one after the other: on a busy machine each would make the others late. It reads the root's
 * `.env`, so that it finds what `npm start` would find. A check that is late or throws is a finding too: it doesn't hide the others.
 */
export async function* examineRepository(subject: Subject, { all = checks } = {}): AsyncGenerator<Finding, void> {
  loadRootEnv();
  for (const [name, check] of Object.entries(all)) yield { name, ...(await attempt(check, subject)) };
}

async function attempt(check: Check, subject: Subject): Promise<Outcome> {
  const detail = `not known: the check took more than ${DEADLINE_MS / 1000} s`;
  const late = warn(detail, 'run it again when less is going on');
  try {
    return await Promise.race([check(subject), setTimeout(DEADLINE_MS, late, { ref: false })]);
  } catch (error) {
    return fail(messageOf(error));
  }
}

export type RepositoryDoctor = Pick<typeof import('./checks.js'), 'examineRepository' | 'runningSystem' | 'staleBuild'>;

/** What of the build is older than the sources, for a command that goes by the build; undefined if it matches them. */
export async function staleBuild(): Promise<string | undefined> {
  const stale = [generated(), await built()].filter(({ state }) => !['ok', 'note'].includes(state));
  const details = stale.map(({ detail }) => detail).join('; ');
  return details === '' ? undefined : `the build doesn't match the sources (${details}): run ./rondo build first`;
}

/** The system that runs on `data`, by the address of its registry and the ids by which its processes register; undefined if none runs. */
export async function runningSystem(data: string) {
  const { processes: running, portBase } = await findSystem(data);
  if (running.length === 0) return undefined;
  const instances = running.map(({ name }) => name).filter((name) => !name.startsWith('registry'));
  return { registry: `127.0.0.1:${portBase}`, instances };
}

/**
 * `rondo doctor` while the CLI can't be loaded: the checks of the repository alone, in the CLI's form.
 *
 * @param args The arguments after `doctor`.
 * @param reason Why the CLI can't be loaded.
 * @returns the exit code, always 1: that the CLI is missing is a fault.
 */
export async function examineWithoutCli(args: string[], reason: string): Promise<number> {
  const options = { data: { type: 'string' }, json: { type: 'boolean' } } as const;
  const { values } = parseArgs({ args, options, strict: false });
  const folder = path.resolve(process.env['INIT_CWD'] ?? '.', String(values.data ?? DEFAULTS.data));
  const findings: Finding[] = [];
  for await (const finding of examineRepository({ data: folder, environment: process.env })) findings.push(finding);
  const first = isHealthy(findings) ? '' : 'do what stands above; then ';
  findings.push({ name: 'rondo', ...fail(reason, `${first}npm run build`) });
  const text = findings.map((finding) => formatFinding(finding)).join('');
  console.log(values.json ? JSON.stringify({ healthy: false, findings }) : text.trimEnd());
  return 1;
}
