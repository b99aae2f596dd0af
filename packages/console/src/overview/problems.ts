import type { Fleet, Instance } from '../fleet/watch.js';
import { notPicked } from '../fleet/why.js';
import type { Tone } from '../ui/parts.js';
import { counted, figure, share } from '../ui/text.js';
import { openIn } from '../work/read-transactions.js';
import { isStuck } from '../work/runs-page.js';
import { itemsOf, type Work } from '../work/watch.js';

/** Something that isn't well, and where to see more of it. */
export interface Problem {
  readonly tone: Tone;
  readonly text: string;
  readonly href: string;
}

const BUSY = 0.9;
/** A branch that is prepared for longer waits for a coordinator that is away. Milliseconds. */
const HELD_MS = 10_000;
/** By then an instance has been asked for its load twice. Milliseconds. */
const ASKED_MS = 15_000;
/** The decision stands, and a participant hasn't confirmed it. */
const DECIDED = /^(?:committing|aborting)$/;
const at = (id: string) => `#/fleet//${encodeURIComponent(id)}`;
const fault = (text: string, href: string): Problem => ({ tone: 'fault', text, href });
const warning = (text: string, href: string): Problem => ({ tone: 'warn', text, href });

/** What isn't well in the fleet, the worst first. */
export function problemsOf(fleet: Fleet, nowMs: number): readonly Problem[] {
  const { isCurrent, instances, edges } = fleet;
  const served = new Set(instances.filter(({ state }) => state === 'serving').flatMap(({ services }) => services));
  const missing = new Set(edges.flatMap(({ service = '' }) => (served.has(service) ? [] : [service])));
  const isFailing = ({ load }: Instance) => (load?.errorsPerSecond ?? 0) > 0;
  const failing = Map.groupBy(instances.filter(isFailing), ({ name }) => name);
  // Servers in other languages report no load.
  const isSilent = ({ state, load, frames, registerTime = '' }: Instance) =>
    state === 'serving' && load === undefined && frames === true && nowMs - Date.parse(registerTime) > ASKED_MS;
  const lost = new Set(instances.flatMap(({ id, state }) => (state === 'lost' ? [id] : [])));
  const busy = instances.filter(({ load }) => (load?.cpuUtilization ?? 0) > BUSY);
  return [
    ...[...missing].map((service) => fault(`No instance serves ${service}`, '#/fleet')),
    ...[...failing].map(([name, all]) => {
      const rate = figure(all.reduce((sum, { load }) => sum + (load?.errorsPerSecond ?? 0), 0));
      const [{ id } = { id: '' }, another] = all;
      if (another === undefined) return fault(`${id} fails ${rate} calls/s`, at(id));
      return fault(`${all.length} instances of ${name} fail ${rate} calls/s`, `#/fleet/${encodeURIComponent(name)}`);
    }),
    ...(isCurrent ? [] : [warning('The registry can’t be reached, or has just started', '#/fleet')]),
    ...[...notPicked(fleet)].map(([id, why]) =>
      lost.has(id) ? fault(`${id} is lost. ${why}`, at(id)) : warning(`${id} isn’t picked. ${why}`, at(id)),
    ),
    ...instances.filter(isSilent).map(({ id }) => warning(`${id} doesn’t answer`, at(id))),
    ...busy.map(({ id, load }) => warning(`${id} is busy: ${share(load?.cpuUtilization)} of the time`, at(id))),
  ];
}

/** The stored work that waits for an operator: what failed, is blocked, parked or in conflict, and branches that are held for long. */
export function stuckIn(work: Work, nowMs: number): readonly Problem[] {
  const jobs = itemsOf(
    work,
    ({ jobs: listed }) => listed?.methods,
    ({ method = '' }) => method,
  );
  const groups = itemsOf(
    work,
    ({ events }) => events?.groups,
    ({ name = '' }) => name,
  );
  const runs = itemsOf(
    work,
    ({ runs: listed }) => listed?.filter(isStuck),
    ({ name = '' }) => name,
  );
  const open = [...openIn(work).values()];
  const undelivered = Map.groupBy(
    open.filter(({ state }) => DECIDED.test(state)),
    ({ state, waitsFor }) => `${state}, waiting for ${waitsFor}`,
  );
  const byMethod = Map.groupBy(runs, ({ method = '', state = '' }) => `${method} ${state}`);
  return [
    ...jobs.map(({ method, failed }) => fault(`${counted(Number(failed), 'job')} of ${method} failed`, '#/jobs')),
    ...groups.map(({ name, failed }) => fault(`${counted(Number(failed), 'event')} of ${name} failed`, '#/events')),
    ...[...byMethod.values()].map((all) => {
      const [{ name = '', method, state = '' } = {}] = all;
      const text = `${counted(all.length, 'run')} of ${method} ${all.length === 1 ? 'is' : 'are'}`;
      const href = all.length === 1 ? `#/runs/${name}` : '#/runs';
      return state.endsWith('BLOCKED') ? fault(`${text} blocked`, href) : warning(`${text} parked`, href);
    }),
    ...[...undelivered].map(([end, [{ about } = { about: '' }, ...others]]) => {
      const text = `${about}${others.length === 0 ? '' : ` and ${others.length} more`}`;
      return warning(`${text}: ${end}`, '#/transactions');
    }),
    ...open.flatMap(({ id, about, state, since }) => {
      if (DECIDED.test(state)) return [];
      if (state !== 'in doubt')
        return [fault(`${about} is ${state === 'conflict' ? 'in conflict' : state}`, '#/transactions')];
      const isLong = nowMs - Date.parse(since) > HELD_MS;
      return isLong ? [warning(`${about} of ${id} holds its locks`, '#/transactions')] : [];
    }),
  ];
}
