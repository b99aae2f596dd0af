/** The ports that a start takes, and the processes that it starts. */
import { databaseServer } from '../launch/database.mjs';
import { readManifests } from '../launch/manifests.mjs';
import { dataFlag, startBeside } from '../launch/options.mjs';
import { plan } from '../launch/plan.mjs';
import { isFree } from '../launch/ports.mjs';
import { fail, note, ok, warn } from './finding.mjs';
import { listenerAt } from './listener.mjs';
import { commandOf, findSystem, isSuspended } from './system.mjs';

export async function ports({ data, environment }) {
  const { launcher, processes, portBase } = await findSystem(data);
  // A database elsewhere is looked at by the check of its own.
  const database = environment.RONDO_DATABASE_ADMIN_URL ? [] : [databaseServer({ portBase })];
  const planned = [...plan(readManifests(), portBase), ...database].filter(({ port }) => port > 0);
  const numbers = planned.map(({ port }) => port).join(', ');
  const taken = [];
  for (const one of planned) if (!(await isFree(one.port))) taken.push({ ...one, holder: await listenerAt(one.port) });
  const own = new Set([launcher, ...processes.map(({ pid }) => pid)]);
  const foreign = [];
  for (const { name, port, holder } of taken) {
    const command = (await commandOf(holder)) ?? '';
    const isOurs = own.has(holder) || (processes.length > 0 && (holder === undefined || /postgres/.test(command)));
    if (!isOurs) foreign.push({ port, name, pid: holder, command });
  }
  if (foreign.length === 0) return ok(taken.length === 0 ? `${numbers} are free` : `${numbers}: the system that runs`);
  const named = foreign.map((one) => `${one.port} (${one.name}) by ${describe(one.pid, one.command)}`).join('; ');
  return fail(`in use: ${named}`, `${freeing(foreign)}, or start beside it: ${startBeside('npm start', portBase)}`);
}

/** What others hold is best let go by whoever had them take it. */
function freeing(foreign) {
  const all = (pattern) => foreign.every(({ command }) => pattern.test(command));
  if (all(/docker/)) return 'docker compose down, where that is Rondo too';
  if (all(/services[\\/][^ ]*main\.m?js|postgres/))
    return 'Ctrl-C the Rondo that runs with another --data, or of another clone';
  const pids = [...new Set(foreign.flatMap(({ pid }) => pid ?? []))];
  return pids.length === 0 ? 'stop what listens there' : `kill ${pids.join(' ')}, if it may go`;
}

function describe(pid, command) {
  if (pid === undefined) return 'somebody (not told which)';
  return `process ${pid}${command === '' ? '' : ` (${command.slice(0, 80)})`}`;
}

/** Whether all that the manifests plan runs, where a system does. */
export async function processes({ data: folder }) {
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
  const absent = plan(readManifests(), portBase).filter(({ name }) => !live.some((one) => one.name === name));
  if (absent.length === 0) return ok(`all ${live.length} that are planned run`);
  const [{ name }] = absent;
  const option = dataFlag(folder);
  const detail = `${absent.map((one) => one.name).join(', ')}: ended, or never started`;
  return warn(detail, `./rondo logs ${name}${option} may say why; start it again: ./rondo restart ${name}${option}`);
}
