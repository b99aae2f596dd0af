import { until } from '@rondo/harness';
import type { Scenario } from '../scenario.js';
import { type DatabaseServer, startDatabase } from '../testbed/database.js';
import { now, pass } from '../time.js';
import { type Books, openBooks } from '../transactions/books.js';
import { describe, isOfAbort, type ProtocolPoint, pointsOf } from '../transactions/point.js';
import { OWNERS, type Services, startServices } from '../transactions/services.js';
import { openShop, type Sale, type Shop } from '../transactions/shop.js';
import { formatMs, type Verdict } from '../verdict.js';

const AGREED_WITHIN_MS = 5_000;
/** The short form also runs on busy machines: there it bounds only what never ends. */
const SHORT_AGREED_WITHIN_MS = 60_000;
const CALL_TIMEOUT_MS = 8_000;
/** How many quotes are accepted at once while the database is killed, and the time in which they begin. */
const CONCURRENCY = 8;
const BEGIN_WITHIN_MS = 200;
const AWAY_MS = 300;
const ROUNDS = 12;
const BRIEF_ROUNDS = 2;
const DECIDED: ProtocolPoint = { role: 'coordinator', step: 'log-committing', moment: 'after' };

interface Setting {
  readonly services: Services;
  readonly database: DatabaseServer;
  readonly shop: Shop;
  readonly books: Books;
  readonly verdict: Verdict;
  readonly withinMs: number;
}

/** Quotes are accepted across sales and project management, and one of the two, or the database, is killed. */
export const twoPhaseCommit: Scenario = {
  name: 'two-phase-commit',
  fault: 'coordinator or participant killed at each step of the protocol; the database killed at random in it',
  bound:
    'both sides agree 5 s after the restart (short form: 60 s), nothing is left prepared or locked, no order twice',
  control: 'the log forgets the decision to commit',
  async run({ testbed, verdict, control, brief }) {
    await testbed.startRegistry();
    const database = await startDatabase(testbed, OWNERS);
    const services = await startServices(testbed, database);
    const shop = await openShop(testbed.openChannel());
    const books = openBooks(testbed, database);
    const withinMs = brief && !control ? SHORT_AGREED_WITHIN_MS : AGREED_WITHIN_MS;
    const setting = { services, database, shop, books, verdict, withinMs };
    if (control) {
      await books.forgetDecisions();
      await dieAt(setting, DECIDED);
      return;
    }
    for (const point of pointsOf(brief)) await dieAt(setting, point);
    for (let round = 1; round <= (brief ? BRIEF_ROUNDS : ROUNDS); round += 1) await killDatabase(setting, round);
  },
};

/** One quote, accepted while a process dies at a point. */
async function dieAt(setting: Setting, point: ProtocolPoint): Promise<void> {
  const { services, shop, books } = setting;
  const sale = await shop.offer();
  services.arm(point);
  // Called once: the restarted process must finish what is left, and not a second call.
  const accept = () => shop.accept(sale, { instance: 'sales', timeoutMs: CALL_TIMEOUT_MS });
  const call = isOfAbort(point) ? books.sellOut(sale, accept) : accept();
  const restartedAt = await services.restartDead(point);
  if (isOfAbort(point)) await books.restock(sale);
  const ms = await untilAgreed(setting, [sale], restartedAt);
  const outcome = await call;
  await judge(setting, { what: describe(point), sales: [sale], outcomes: [outcome], ms });
}

/** Several quotes, accepted at once while the database dies. */
async function killDatabase(setting: Setting, round: number): Promise<void> {
  const { database, shop } = setting;
  const sales: Sale[] = [];
  for (let index = 0; index < CONCURRENCY; index += 1) sales.push(await shop.offer());
  const calls = sales.map(async (sale) => {
    await pass(Math.random() * BEGIN_WITHIN_MS);
    return await shop.accept(sale);
  });
  const atMs = (0.25 + Math.random()) * BEGIN_WITHIN_MS;
  await pass(atMs);
  const { until: backAt } = await database.restart('SIGKILL', AWAY_MS);
  const ms = await untilAgreed(setting, sales, backAt);
  const outcomes = await Promise.all(calls);
  const what = `database, ${round}: killed after ${formatMs(atMs)}`;
  await judge(setting, { what, sales, outcomes, ms });
}

/** How long after `since` each quote is sold once or not at all and nothing is left of a transaction; NaN if that takes too long. */
async function untilAgreed({ books, withinMs }: Setting, sales: readonly Sale[], since: number): Promise<number> {
  const agreed = async () => ((await audit(books, sales)).wrong.length === 0 ? now() - since : undefined);
  const timeoutMs = Math.max(1, since + withinMs - now());
  return await until(agreed, { what: 'both sides agree', timeoutMs }).catch(() => Number.NaN);
}

async function audit(books: Books, sales: readonly Sale[]) {
  const audits = await Promise.all(sales.map((sale) => books.audit(sale)));
  const wrong = [...new Set(audits.flatMap((one) => one.wrong))];
  return { wrong, sold: audits.map(({ sold }) => sold) };
}

interface Ended {
  readonly what: string;
  readonly sales: readonly Sale[];
  readonly outcomes: readonly string[];
  readonly ms: number;
}

/** A quote whose acceptance was answered OK must be sold, and accepting every quote once more must sell each exactly once. */
async function judge(setting: Setting, ended: Ended): Promise<void> {
  const { shop, books, verdict, withinMs } = setting;
  const { what, sales, outcomes, ms } = ended;
  await shop.open();
  await untilAgreed(setting, sales, now());
  const { wrong, sold } = await audit(books, sales);
  const broken = sold.filter((is, index) => outcomes[index] === 'OK' && !is).length;
  const promised = broken === 0 ? [] : [`${broken} accepted and not sold`];
  const again = await Promise.all(sales.map((sale) => shop.accept(sale)));
  const lost = again.filter((code) => code !== 'OK').length;
  const afterwards = lost === 0 ? (await audit(books, sales)).wrong : [`${lost} can't be accepted afterwards`];
  const faults = [...new Set([...wrong, ...promised, ...afterwards])];
  const count = `${sold.filter(Boolean).length} of ${sold.length} sold`;
  const holds = faults.length === 0 && ms <= withinMs;
  const agreed = Number.isNaN(ms) ? `not agreed within ${formatMs(withinMs)}` : `agreed after ${formatMs(ms)}`;
  verdict.check([`${what}: ${count}`, agreed, ...faults].join(', '), holds);
}
