import { until } from '@rondo/harness';
import { type Company, startCompany, TASKS, type WriteRecord } from '../load/company.js';
import type { CallRecord } from '../load/protocol.js';
import type { Scenario } from '../scenario.js';
import { type Ending, type Outage, startDatabase } from '../testbed/database.js';
import { pass } from '../time.js';
import { formatMs, isFailed, type Verdict } from '../verdict.js';

const SERVICES = ['sales', 'project-management'] as const;
const ENDINGS: readonly Ending[] = ['SIGINT', 'SIGQUIT', 'SIGKILL'];
/** The timeout of the control run's calls, which is over before the database is back. */
const SHORT_TIMEOUT_MS = 300;
const START_TIMEOUT_MS = 60_000;
/** The messages with which a write may fail: they say what is known of its effect. */
const CLEAR = /the database is unavailable|the database went away while a change was being saved/;

/** The services' database is restarted under load. */
export const databaseRestart: Scenario = {
  name: 'database-restart',
  fault: 'the database stopped, stopped at once and killed, and started again after half a second each, under load',
  bound:
    'calls that are safe to repeat: 0 failed; others fail UNAVAILABLE with the reason; nothing half-written or lost',
  control: 'calls of 300 ms, which have no time to wait',
  async run({ testbed, verdict, control, lasts }) {
    await testbed.startRegistry();
    const database = await startDatabase(testbed, SERVICES);
    await Promise.all(
      SERVICES.map((service) => {
        return testbed.startReplica(service, { service, env: { DATABASE_URL: database.urlOf(service) } });
      }),
    );
    const channel = testbed.openChannel();
    await ready(startCompany(channel, { name: 'first', readsPerSecond: 20, writesPerSecond: 5 }));
    const timeoutMs = control ? SHORT_TIMEOUT_MS : undefined;
    const company = startCompany(channel, { name: 'under load', readsPerSecond: 40, writesPerSecond: 8, timeoutMs });
    const outages: (Outage & { readonly ending: Ending })[] = [];
    for (const ending of ENDINGS) {
      await pass(2_000);
      outages.push({ ending, ...(await database.restart(ending, lasts(500, 500))) });
    }
    await pass(3_000);
    const stallMs = await company.stop();
    if (stallMs > 100) verdict.note(`the client stood still for ${formatMs(stallMs)}`);
    for (const { ending, ...outage } of outages) noteAnswers(company, { ...outage, ending }, verdict);
    await judge(company, verdict);
  },
};

/** The services serve once their tables are there. */
export async function ready(company: Company): Promise<void> {
  const served = () => {
    const done = [...company.reads.slice(-10), ...company.writes.slice(-2)];
    return done.length === 12 && !done.some(isFailed) ? true : undefined;
  };
  await until(served, { what: 'reads and writes are served', timeoutMs: START_TIMEOUT_MS });
  await company.stop();
}

/** Notes how soon the calls that waited for the database were answered once it was back. */
export function noteAnswers(
  { reads, writes }: Company,
  { ending, from, until }: Outage & { readonly ending: string },
  verdict: Verdict,
) {
  const ends = (calls: readonly CallRecord[]) =>
    calls.filter(({ at }) => at >= from && at < until).map(({ at, ms }) => at + ms - until);
  const [read, written] = [reads, writes].map((calls) => ends(calls).toSorted((a, b) => a - b));
  const described = [read, written].map(
    (all = []) =>
      `${all.length}, half of them ${formatMs(all[all.length >> 1] ?? 0)} and the last ${formatMs(all.at(-1) ?? 0)} later`,
  );
  verdict.note(`away for ${formatMs(until - from)} after ${ending}; answered ${described.join('; written ')}`);
}

export async function judge({ reads, writes, written }: Company, verdict: Verdict): Promise<void> {
  verdict.noFailures(reads, 'reads');
  verdict.note(`the slowest read in ${formatMs(Math.max(...reads.map(({ ms }) => ms)))}`);
  const failed = writes.filter(isFailed);
  const unclear = failed.filter(({ code, message = '' }) => code !== 'UNAVAILABLE' || !CLEAR.test(message));
  verdict.check(
    `${failed.length} of ${writes.length} writes failed, ${unclear.length} of them unclearly${example(unclear)}`,
    unclear.length === 0,
  );
  const found = await written();
  const half = [...found.values()].flat().filter((tasks) => tasks !== TASKS).length;
  verdict.check(`${half} of ${found.size} projects half-written`, half === 0 && found.size > 0);
  const twice = [...found.values()].filter(({ length }) => length > 1).length;
  verdict.check(`${twice} written twice`, twice === 0);
  const lost = writes.filter((write) => !isFailed(write) && !found.has(write.title)).length;
  verdict.check(`${lost} acknowledged and lost`, lost === 0);
  const denied = failed.filter(
    ({ title, code, message = '' }) => found.has(title) && code === 'UNAVAILABLE' && !message.includes('unknown'),
  );
  verdict.check(`${denied.length} written, and said not to be${example(denied)}`, denied.length === 0);
}

function example([first]: readonly WriteRecord[]): string {
  return first === undefined ? '' : ` (${first.code}: ${first.message})`;
}
