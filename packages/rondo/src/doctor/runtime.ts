/** What a start needs and leaves: the data folder, its locks, ports and processes. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { otherOwner, scaled } from '../launch/data-folder.js';
import { databaseServer, namesServer } from '../launch/database.js';
import { dataFlag, startAlongside } from '../launch/options.js';
import { isFree, isServed, plan, portsOf } from '../launch/plan.js';
import { codeOf } from '../workspace/errors.js';
import { readManifests } from '../workspace/manifests.js';
import { fail, note, type Outcome, ok, type Subject, warn } from './finding.js';
import { findSystem, isSuspended } from './system.js';

/** Whether a start finds its ports free. The ports of a system that runs are its own. */
export async function ports({ data, environment }: Subject): Promise<Outcome> {
  const { launcher, portBase } = await findSystem(data);
  // A database on another server has its own check.
  const database = namesServer(environment) ? [] : [databaseServer({ portBase })];
  const planned = [...portsOf(plan(readManifests(), portBase)), ...database].filter(({ port }) => port > 0);
  const numbers = planned.map(({ port }) => port).join(', ');
  if (launcher !== undefined) return ok(`${numbers}: the system that runs`);
  const taken: string[] = [];
  // A connection may have a port as its own end: a start waits for it.
  for (const { name, port } of planned)
    if (!(await isFree(port)) && (await isServed(port))) taken.push(`${port} (${name})`);
  if (taken.length === 0) return ok(`${numbers} are free`);
  const other = `start next to it: ${startAlongside('npm start', { portBase })}`;
  return fail(`in use: ${taken.join(', ')}`, `stop what listens there, which lsof -i or ss -ltnp names, or ${other}`);
}

/** Whether all planned processes run, if a system runs. */
export async function processes({ data: folder }: Subject): Promise<Outcome> {
  const { launcher, processes: live, portBase } = await findSystem(folder);
  if (launcher === undefined) return note('none was started');
  const all = [...live, { name: 'npm start or rondo dev', pid: launcher }];
  const states = await Promise.all(all.map(({ pid }) => isSuspended(pid)));
  const suspended = all.filter((_, index) => states[index]);
  if (suspended.length > 0) {
    const named = suspended.map(({ name, pid }) => `${name} (${pid})`).join(', ');
    const remedy = `kill -CONT ${suspended.map(({ pid }) => pid).join(' ')}; after a Ctrl-Z: fg`;
    return fail(`suspended, and silent: ${named}`, remedy);
  }
  const manifests = readManifests().map((manifest) => scaled(folder, manifest));
  const absent = plan(manifests, portBase).filter(({ name }) => !live.some((one) => one.name === name));
  const [first] = absent;
  if (first === undefined) return ok(`all ${live.length} that are planned run`);
  const option = dataFlag(folder);
  const detail = `${absent.map((one) => one.name).join(', ')}: ended, or never started`;
  const again = `start it again: ./rondo restart ${first.name}${option}`;
  return warn(detail, `./rondo logs ${first.name}${option} may say why; ${again}`);
}

const ELSEWHERE = 'npm start -- --data DIR';
const AS_OWNER = `start as the user that it belongs to, or elsewhere: ${ELSEWHERE}`;

export async function data({ data: folder }: Subject): Promise<Outcome> {
  const fault = unusable(nearest(folder));
  if (fault !== undefined) return fault;
  if (!existsSync(folder)) return note(`${folder} isn't there yet: npm start makes it`);
  const { launcher, processes } = await findSystem(folder);
  if (launcher !== undefined) return ok(`${folder}, in use by the system that runs (process ${launcher})`);
  if (!existsSync(path.join(folder, 'launcher.json')) || processes.length === 0) return ok(folder);
  const left = processes.map(({ name, pid }) => `${name} (${pid})`).join(', ');
  return warn(
    `${folder}: the launcher of ${left} has ended, and no process will stop them`,
    // Processes end with their launcher unless they hang. A process that hangs ignores SIGTERM.
    `kill -9 ${processes.map(({ pid }) => pid).join(' ')}`,
  );
}

function unusable(folder: string): Outcome | undefined {
  if (!statSync(folder).isDirectory()) return fail(`${folder} is no folder`, `name one: ${ELSEWHERE}`);
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const remedy = codeOf(error) === 'EROFS' ? `start elsewhere: ${ELSEWHERE}` : AS_OWNER;
    return fail(`${folder} can't be written to (${codeOf(error)})`, remedy);
  }
  const owner = otherOwner(folder);
  if (owner === undefined) return undefined;
  const detail = `${folder} belongs to another user (id ${owner}), and PostgreSQL lets no other user into its files`;
  return fail(detail, AS_OWNER);
}

/** The folder, or the nearest folder above it that exists. */
export const nearest = (folder: string): string => (existsSync(folder) ? folder : nearest(path.dirname(folder)));
