import { randomUUID } from 'node:crypto';
import { createOutcomeStore, createPool, migrate, outcomesSchema } from '@rondo/database';
import { cpuMs } from '@rondo/harness';
import { startPostgres } from '@rondo/harness/postgres';
import { figure, median, show, table } from './report/figures.mjs';

/** A claim in the large table may cost this many times one in the small table. */
const MAX_RATIO = 1.5;
const SMALL = 10_000;
const CLIENTS = 8;
const MONTHS = 6;
/** Of what a table takes at its largest, what is left once every outcome has been removed. */
const MAX_LEFT = 0.01;

/**
 * What the table of outcomes costs as it grows, and that it shrinks again: transactions with a claim against a small and a large table
 * in turn, with keys as Rondo's clients make them and with random ones; then months of keys, each removed when it is over.
 */
export const benchmark = {
  name: 'outcomes',
  summary: 'claims of idempotency keys among ten million outcomes against ten thousand; what is left after removal',
  options: {
    rounds: { type: 'count', default: 15, help: 'how often each table has its turn' },
    calls: { type: 'count', default: 2_000, help: 'how many transactions a turn has' },
    rows: { type: 'count', default: 10_000_000, help: 'how many outcomes the large table has' },
    keys: { type: 'count', default: 1_000_000, help: 'how many outcomes come and go over the months' },
  },
  async run({ rounds, calls, rows, keys }, { folder, onClose }) {
    const postgres = await startPostgres(folder);
    onClose(() => postgres.stop());
    const open = async (name) => {
      const pool = createPool({
        url: await postgres.createDatabase(name),
        maxConnections: CLIENTS,
        statementTimeoutMs: 0,
      });
      onClose(() => pool.close());
      await migrate(pool, { part: outcomesSchema.name, migrations: outcomesSchema.migrations });
      return pool;
    };
    const [small, large, months] = [await open('small'), await open('large'), await open('months')];
    await fill(small, SMALL);
    await fill(large, rows);
    await large.query('CHECKPOINT');
    const flat = await compare([small, large], { rounds, calls, postgres });
    const shrinks = await comeAndGo(months, keys);
    return flat && shrinks;
  },
};

/** Outcomes of the last days, as long as a service's. The indexes come last, which is faster. */
async function fill(pool, rows) {
  await pool.query('ALTER TABLE call_outcomes DROP CONSTRAINT call_outcomes_pkey');
  await pool.query('DROP INDEX call_outcomes_expire_time');
  await pool.query(
    `INSERT INTO call_outcomes (key, method, caller, fingerprint, bytes, expire_time)
     SELECT gen_random_uuid()::text, '/orders.v1.OrderService/PlaceOrder', '', sha256(number::text::bytea),
       decode(repeat('ab', 260), 'hex'), now() + number * interval '100 milliseconds'
     FROM generate_series(1, $1) AS number`,
    [rows],
  );
  await pool.query('ALTER TABLE call_outcomes ADD PRIMARY KEY (key, method, caller)');
  await pool.query('CREATE INDEX call_outcomes_expire_time ON call_outcomes (expire_time)');
  await pool.query('VACUUM ANALYZE call_outcomes');
  show(`${figure(rows)} outcomes are there`);
}

/** The keys of Rondo's clients begin with the time. */
const ordered = () => `${Date.now().toString(16).padStart(12, '0')}${randomUUID().slice(12)}`;

async function compare(pools, { rounds, calls, postgres }) {
  const rows = [];
  let holds = true;
  for (const [name, newKey] of [
    ['of a client of Rondo', ordered],
    ['random', randomUUID],
  ]) {
    for (const pool of pools) await claims(pool, { calls, newKey, postgres });
    const ratios = { ms: [], cpu: [] };
    for (let round = 0; round < rounds; round += 1) {
      const costs = [];
      for (const index of round % 2 === 0 ? [0, 1] : [1, 0]) {
        costs[index] = await claims(pools[index], { calls, newKey, postgres });
      }
      for (const what of Object.keys(ratios)) ratios[what].push(costs[1][what] / costs[0][what]);
    }
    const [time, cpu] = [median(ratios.ms), median(ratios.cpu)];
    holds &&= time <= MAX_RATIO;
    rows.push([name, figure(time), figure(Math.min(...ratios.ms)), figure(Math.max(...ratios.ms)), figure(cpu)]);
  }
  show(`${rounds} rounds of ${calls} transactions, large table to small one`);
  show(table(['keys', 'time', 'least', 'most', "the server's processor time"], rows));
  return holds;
}

/** Transactions with a claim and a stored reply. */
async function claims(pool, { calls, newKey, postgres }) {
  const bytes = Buffer.alloc(260, 0xab);
  const fingerprint = Buffer.alloc(32, 1);
  const once = () => ({
    ...{
      method: '/orders.v1.OrderService/PlaceOrder',
      caller: '',
      key: newKey(),
      fingerprint,
      retentionMs: 2_592_000_000,
    },
    begin() {},
    run: (work) => work(),
    encode: () => bytes,
    repeated: () => new Error('a key came twice'),
  });
  const [beganAt, cpuBefore] = [performance.now(), cpuMs(postgres.pid(), { children: true })];
  let left = calls;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      await pool.transaction(async () => ({}), { once: once() });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const cpu = cpuMs(postgres.pid(), { children: true }) - cpuBefore;
  return { ms: (performance.now() - beganAt) / calls, cpu: cpu / calls };
}

/** Each month's keys have expired when the next one begins. */
async function comeAndGo(pool, keys) {
  const store = createOutcomeStore(pool);
  const rows = [];
  let most = 0;
  const note = async (when) => {
    await pool.query('VACUUM call_outcomes');
    const { left, heap, indexes } = await pool.one(
      `SELECT (SELECT count(*) FROM call_outcomes) AS left, pg_table_size('call_outcomes') AS heap,
         pg_indexes_size('call_outcomes') AS indexes`,
    );
    most = Math.max(most, Number(heap));
    rows.push([when, ...[left, heap, indexes].map((value) => figure(Number(value)))]);
    return { left: Number(left), heap: Number(heap) };
  };
  for (let month = 1; month <= MONTHS; month += 1) {
    await pool.query(
      `INSERT INTO call_outcomes (key, method, caller, fingerprint, bytes, expire_time)
       SELECT gen_random_uuid()::text, '/orders.v1.OrderService/PlaceOrder', '', sha256(number::text::bytea),
         decode(repeat('ab', 260), 'hex'), now() - interval '1 second'
       FROM generate_series(1, $1) AS number`,
      [Math.round(keys / MONTHS)],
    );
    await note(`month ${month}`);
    await store.prune();
  }
  const { left, heap } = await note('after the last');
  await store.close();
  show(`${figure(keys)} keys over ${MONTHS} months`);
  show(table(['', 'outcomes', 'table, bytes', 'indexes, bytes'], rows));
  return left === 0 && heap <= most * MAX_LEFT;
}
