import { until } from '@rondo/harness';
import type { Channel } from '@rondo/rpc/client';
import { type Company, startCompany, TASKS, type WriteRecord } from '../load/company.js';
import type { CallRecord } from '../load/protocol.js';
import type { Scenario } from '../scenario.js';
import { type DatabaseServer, type Ending, type Outage, startDatabase } from '../testbed/database.js';
import type { Testbed } from '../testbed/testbed.js';
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
  async run({ testbed, verdict, control }) {
    const database = await startDatabase(testbed, SERVICES);
    const channel = await startServices(testbed, database);
    const timeoutMs = control ? SHORT_TIMEOUT_MS : undefined;
    const company = startCompany(channel, { ...LOAD, timeoutMs });
    const outages: Outage[] = [];
    for (const ending of ENDINGS) {
      await pass(2_000);
      outages.push(await database.restart(ending, 500));
    }
    await pass(3_000);
    await judge(company, outages, verdict);
  },
};

/** The company that calls while the database is away. */
const LOAD = { name: 'under load', readsPerSecond: 40, writesPerSecond: 8 };

/** Starts a registry and the services, and resolves once they serve, when their tables are there. */
async function startServices(testbed: Testbed, { urlOf }: DatabaseServer): Promise<Channel> {
  await testbed.startRegistry();
  await Promise.all(
    SERVICES.map((service) => testbed.startReplica(service, { service, env: { DATABASE_URL: urlOf(service) } })),
  );
  const channel = testbed.openChannel();
  const company = startCompany(channel, { name: 'first', readsPerSecond: 20, writesPerSecond: 5 });
  const served = () => {
    const done = [...company.reads.slice(-10), ...company.writes.slice(-2)];
    return done.length === 12 && !done.some(isFailed) ? true : undefined;
  };
  await until(served, { what: 'reads and writes are served', timeoutMs: START_TIMEOUT_MS });
  await company.stop();
  return channel;
}

/** Notes how soon the calls that waited for the database were answered once it was back. */
function noteAnswers({ reads, writes }: Company, { ending, from, until }: Outage, verdict: Verdict): void {
  const ends = (calls: readonly CallRecord[]) =>
    calls.filter(({ at }) => at >= from && at < until).map(({ at, ms }) => at + ms - until);
  const [read, written] = [reads, writes].map((calls) => ends(calls).toSorted((a, b) => a - b));
  const described = [read, written].map(
    (all = []) =>
      `${all.length}, half of them ${formatMs(all[all.length >> 1] ?? 0)} and the last ${formatMs(all.at(-1) ?? 0)} later`,
  );
  verdict.note(`away for ${formatMs(until - from)} after ${ending}; answered ${described.join('; written ')}`);
}

/** Ends the company. Its reads mustn't have failed, and its writes have effect once or say that they have none. */
async function judge(company: Company, outages: readonly Outage[], verdict: Verdict): Promise<void> {
  const stallMs = await company.stop();
  if (stallMs > 100) verdict.note(`the client stood still for ${formatMs(stallMs)}`);
  for (const outage of outages) noteAnswers(company, outage, verdict);
  const { reads, writes, written } = company;
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
