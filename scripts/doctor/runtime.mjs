/** What a start finds: ports, the data folder. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { databaseServer } from '../launch/database.mjs';
import { readManifests } from '../launch/manifests.mjs';
import { plan } from '../launch/plan.mjs';
import { isFree } from '../launch/ports.mjs';
import { fail, note, ok, warn } from './finding.mjs';
import { listenerAt } from './listener.mjs';
import { commandOf, findSystem } from './system.mjs';

const ELSEWHERE = 'npm start -- --data DIR';

export async function ports({ data }) {
  const { launcher, processes, portBase } = await findSystem(data);
  const planned = [...plan(readManifests(), portBase), databaseServer({ portBase })].filter(({ port = 0 }) => port > 0);
  const numbers = planned.map(({ port }) => port).join(', ');
  const taken = [];
  for (const one of planned) if (!(await isFree(one.port))) taken.push({ ...one, holder: await listenerAt(one.port) });
  const own = new Set([launcher, ...processes.map(({ pid }) => pid)]);
  const foreign = [];
  for (const { name, port, holder } of taken) {
    const command = (await commandOf(holder)) ?? '';
    const isOurs = own.has(holder) || (processes.length > 0 && (holder === undefined || /postgres/.test(command)));
    if (!isOurs) foreign.push({ port, pid: holder, text: `${port} (${name}) by ${describe(holder, command)}` });
  }
  if (foreign.length === 0) return ok(taken.length === 0 ? `${numbers} are free` : `${numbers}: the system that runs`);
  const pids = [...new Set(foreign.flatMap(({ pid }) => pid ?? []))];
  const remedy =
    pids.length > 0 ? `kill ${pids.join(' ')}, if it may go, or start` : 'stop what listens there, or start';
  const other = portBase < 60_000 ? portBase + 1000 : portBase - 1000;
  return fail(
    `in use: ${foreign.map(({ text }) => text).join('; ')}`,
    `${remedy} beside it: ${ELSEWHERE} --port-base ${other}`,
  );
}

function describe(pid, command) {
  if (pid === undefined) return 'somebody (not told which)';
  return `process ${pid}${command === '' ? '' : ` (${command.slice(0, 80)})`}`;
}

export async function data({ data: folder }) {
  if (!existsSync(folder)) return note(`${folder} isn't there yet: npm start makes it`);
  const fault = unusable(folder);
  if (fault !== undefined) return fail(fault, `start as the user that it belongs to, or elsewhere: ${ELSEWHERE}`);
  const { launcher, processes } = await findSystem(folder);
  if (launcher !== undefined) return ok(`${folder}, in use by the system that runs (process ${launcher})`);
  if (!existsSync(path.join(folder, 'launcher.json')) || processes.length === 0) return ok(folder);
  const left = processes.map(({ name, pid }) => `${name} (${pid})`).join(', ');
  return warn(
    `${folder}: whoever started ${left} has gone, and nobody will stop them`,
    `kill ${processes.map(({ pid }) => pid).join(' ')}`,
  );
}

function unusable(folder) {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    return `${folder} can't be written to (${error.code})`;
  }
  const owner = statSync(path.join(folder, 'postgres'), { throwIfNoEntry: false })?.uid;
  return owner === undefined || owner === process.getuid?.()
    ? undefined
    : `${folder} belongs to another user (id ${owner}), and PostgreSQL lets nobody else into its files`;
}
