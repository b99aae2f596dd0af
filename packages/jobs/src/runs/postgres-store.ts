import type { Database, Queries, SqlValue } from '@rondo/database';
import { currentTrace } from '@rondo/rpc/internal';
import type { Attempt } from '../attempt.js';
import { storable } from '../store.js';
import {
  ClaimLost,
  type Ended,
  type LoadedRun,
  type NewStep,
  type Outcome,
  RunCancelled,
  type RunStore,
  type StepRecord,
} from './store.js';

/** The history of the server's database: a restored backup, and a standby that has taken over, have another. */
export const TIMELINE = `('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint`;

/** The claim, which stays as it is until the statement's transaction ends. */
const TASK = 'task AS (SELECT FROM jobs WHERE id = $1 AND claim = $2 FOR SHARE)';

const BEGIN = `
  WITH ${TASK}, begun AS (
    INSERT INTO workflow_steps (run, name, kind, undoing, request, signal, trace_id, begin_time, due_time)
    SELECT id, $4, $5, $6, $7, $8, $10, clock_timestamp(), CASE WHEN $5 IN ('wait', 'sleep')
      THEN least(clock_timestamp() + $9 * interval '1 ms', create_time + interval '1 year') END
    FROM task, workflow_runs WHERE id = $3 AND (code IS NULL OR $6) RETURNING name
  )
  SELECT EXISTS (SELECT FROM task) AS held, EXISTS (SELECT FROM begun) AS begun`;

const END = `
  WITH ${TASK}
  UPDATE workflow_steps SET end_time = clock_timestamp(), code = $5, result = $6, place = $7, unsettled = false, trace_id = coalesce($8, trace_id)
  FROM task WHERE run = $3 AND name = $4 AND end_time IS NULL RETURNING name`;

/** The first of the waits and sleeps that can end. A signal that came counts before the time. */
const READY = `
  SELECT step.name, sent.place, sent.value
  FROM unnest($2::text[]) WITH ORDINALITY AS asked (name, number) JOIN workflow_steps AS step USING (name)
  LEFT JOIN LATERAL (
    SELECT place, value FROM workflow_signals WHERE run = $1 AND workflow_signals.name = step.signal ORDER BY place LIMIT 1) AS sent ON true
  WHERE step.run = $1 AND step.kind <> 'child' AND (sent.place IS NOT NULL OR step.due_time <= clock_timestamp())
  ORDER BY number LIMIT 1`;

const LOAD = `
  SELECT workflow_runs.request, code, result, workflow_runs.create_time AS "createTime", clock_timestamp() AS now,
    timeline <> ${TIMELINE} AS moved
  FROM workflow_runs, jobs WHERE workflow_runs.id = $1 AND jobs.id = $2 AND claim = $3 AND end_time IS NULL`;
const MOVE = `UPDATE workflow_runs SET restore_time = now(), timeline = ${TIMELINE} WHERE id = $1`;

const FOLLOW = `
  WITH ${TASK}
  UPDATE workflow_steps SET signal = $5, due_time = clock_timestamp() + $6 * interval '1 ms'
  FROM task WHERE run = $3 AND name = $4 AND end_time IS NULL RETURNING name`;

/** When a run goes on that waits for these steps: at once if a child has ended in this database. */
const DUE = `(
  SELECT min(CASE WHEN child.id IS NULL THEN step.due_time ELSE now() END) FROM workflow_steps AS step
  LEFT JOIN workflow_runs AS child ON step.kind = 'child' AND child.id = right(step.signal, 26) AND child.end_time IS NOT NULL
  WHERE step.run = $4 AND step.name = ANY($5))`;

/** Locks the runs that wait for the end of a run, so that none is given back unseen meanwhile. */
const PARENTS = `
  SELECT workflow_runs.id FROM workflow_steps JOIN workflow_runs ON workflow_runs.id = run
  WHERE kind = 'child' AND right(signal, 26) = $1 AND workflow_steps.end_time IS NULL ORDER BY id FOR NO KEY UPDATE OF workflow_runs`;
const WAKE = `
  UPDATE jobs SET due_time = now() FROM workflow_runs
  WHERE workflow_runs.id = ANY($1) AND jobs.method = replace(workflow_runs.method, '/', '.') AND jobs.key = workflow_runs.id
    AND claim IS NULL AND attempts = 0 AND due_time > now()`;

const FINISH = `
  UPDATE workflow_runs SET code = $2, result = $3, end_time = now(), expire_time = now() + $4 * interval '1 ms' WHERE id = $1`;

/** The worker of the claim leaves it to others. What ended workers have found is forgotten. */
const PARK = `
  UPDATE jobs SET claim = NULL, error = $2, attempts = attempts - 1, ends = 0, due_time = now(),
    unfit = ARRAY(SELECT id FROM job_owners WHERE id = ANY(unfit)) || substr(split_part(claim, '-', 1), 3) WHERE id = $1`;

const STEPS = `
  SELECT name, kind, undoing, request, CASE kind WHEN 'child' THEN signal END AS operation, begin_time AS "beginTime", end_time AS "endTime", code, result, place FROM workflow_steps
  WHERE run = $1 ORDER BY begin_time`;

type RunRow = Pick<LoadedRun, 'request' | 'createTime' | 'now'> & {
  readonly code: number | null;
  readonly result: Uint8Array | null;
  readonly moved: boolean;
};
interface Ready {
  readonly name: string;
  readonly place: bigint | null;
  readonly value: Uint8Array | null;
}
type StepRow = Omit<StepRecord, 'outcome' | 'place'> & {
  readonly endTime: Date | null;
  readonly code: number | null;
  readonly result: Uint8Array | null;
  readonly place: number | null;
};

const outcomeOf = ({ code, result }: Pick<StepRow, 'code' | 'result'>): Outcome | undefined =>
  code === null ? undefined : { code, bytes: result };

/** The id in `traceparent`; null if the trace isn't sampled. */
const traceId = (): string | null => currentTrace().slice(3, 35) || null;

/** What a {@link PostgresRun} is of. */
interface PostgresRunOptions {
  readonly database: Database;
  readonly attempt: Pick<Attempt, 'id' | 'claim' | 'key' | 'attempts' | 'ends'>;
  readonly retentionMs: number;
  /** The run goes on in another history of its database. */
  readonly onMoved: () => void;
}

/** The records of a run in PostgreSQL. Each statement looks whether the claim is still that of the attempt. */
export class PostgresRun implements RunStore {
  readonly #options: PostgresRunOptions;
  readonly #run: string;
  /** The parameters of {@link TASK}, and the run. */
  readonly #held: readonly [bigint, string, string];
  #undoing = false;
  /** Whether there were other attempts since the last outcome, or ends of their processes. */
  #isRepeated: boolean;

  constructor(options: PostgresRunOptions) {
    const { id, claim, key, attempts, ends } = options.attempt;
    this.#options = options;
    this.#run = key;
    this.#held = [id, claim, key];
    this.#isRepeated = attempts > 1 || ends > 0;
  }

  async load(): Promise<LoadedRun> {
    const { database, attempt, onMoved } = this.#options;
    const row = await database.maybeOne<RunRow>(LOAD, [this.#run, attempt.id, attempt.claim]);
    if (row === undefined) throw new ClaimLost();
    if (row.moved) {
      await database.query(MOVE, [this.#run]);
      onMoved();
    }
    const failure = outcomeOf(row);
    this.#undoing = failure !== undefined;
    const rows = await database.query<StepRow>(STEPS, [this.#run]);
    const steps = rows.map((step) => ({ ...step, place: step.place ?? 0, outcome: outcomeOf(step) }));
    return { ...row, id: this.#run, failure, steps };
  }

  begin(step: NewStep): Promise<void> {
    return this.#begin(this.#options.database, step);
  }

  async end(step: Ended): Promise<void> {
    const { database, attempt } = this.#options;
    await this.#end(database, step);
    if (!this.#isRepeated) return;
    this.#isRepeated = false;
    const sql = 'UPDATE jobs SET attempts = 1, ends = 0 WHERE id = $1 AND claim = $2';
    await database.query(sql, [attempt.id, attempt.claim]);
  }

  async follow(step: string, operation: string, ms: number): Promise<void> {
    const followed = await this.#options.database.query(FOLLOW, [...this.#held, step, operation, ms]);
    if (followed.length === 0) throw new ClaimLost();
  }

  transaction(step: NewStep, work: (transaction: Queries) => Promise<Ended>): Promise<Ended> {
    return this.#options.database.transaction(async (transaction) => {
      const ended = await work(transaction);
      await this.#begin(transaction, step);
      await this.#end(transaction, ended);
      return ended;
    });
  }

  advance(names: readonly string[], place: number): Promise<Ended | 'paused'> {
    return this.#going(async (transaction) => {
      const ready = await transaction.maybeOne<Ready>(READY, [this.#run, names]);
      if (ready === undefined) {
        await this.#giveBack(transaction, DUE, ['', 0, this.#run, names]);
        return 'paused';
      }
      const taken = 'DELETE FROM workflow_signals WHERE run = $1 AND place = $2';
      if (ready.place !== null) await transaction.query(taken, [this.#run, ready.place]);
      const ended = { name: ready.name, place, outcome: { code: 0, bytes: ready.value } };
      await this.#end(transaction, ended);
      return ended;
    });
  }

  fail({ code, bytes }: Outcome): Promise<void> {
    return this.#change(async ({ query }, failing) => {
      if (failing) return; // it was cancelled before
      await query('UPDATE workflow_runs SET code = $2, result = $3 WHERE id = $1', [this.#run, code, bytes]);
    });
  }

  finish({ code, bytes }: Outcome): Promise<void> {
    return this.#going(async ({ query }) => {
      const { retentionMs, attempt } = this.#options;
      await query(FINISH, [this.#run, code, bytes, retentionMs]);
      await query('DELETE FROM workflow_signals WHERE run = $1', [this.#run]);
      await query('DELETE FROM jobs WHERE id = $1', [attempt.id]);
      const parents = await query<{ id: string }>(PARENTS, [this.#run]);
      if (parents.length > 0) await query(WAKE, [parents.map(({ id }) => id)]);
    });
  }

  retry({ error, waitMs, attempts }: Parameters<RunStore['retry']>[0]): Promise<void> {
    return this.#going(async (transaction) => {
      await this.#giveBack(transaction, "now() + $4 * interval '1 ms'", [error, attempts, waitMs]);
    });
  }

  park(reason: string): Promise<void> {
    return this.#going(async ({ query }) => {
      await query(PARK, [this.#options.attempt.id, reason]);
    });
  }

  block(reason: string, step?: string): Promise<void> {
    return this.#going(async ({ query }) => {
      const { id } = this.#options.attempt;
      const tried = '(SELECT attempts FROM jobs WHERE id = $3)';
      const sql = `UPDATE workflow_runs SET blocked = $2, tried = ${tried} WHERE id = $1`;
      await query(sql, [this.#run, storable(reason), id]);
      const ofStep = 'UPDATE workflow_steps SET unsettled = true WHERE run = $1 AND name = $2 AND end_time IS NULL';
      if (step !== undefined) await query(ofStep, [this.#run, step]);
      await query('DELETE FROM jobs WHERE id = $1', [id]);
    });
  }

  async #begin({ one }: Queries, { name, kind, undoing, request, signal, ms }: NewStep): Promise<void> {
    const params = [...this.#held, name, kind, undoing, request ?? null, signal ?? null, ms ?? null, traceId()];
    const { held, begun } = await one<{ held: boolean; begun: boolean }>(BEGIN, params, { name: 'rondo_run_begin' });
    if (!held) throw new ClaimLost();
    if (!begun) throw new RunCancelled();
  }

  async #end({ query }: Queries, { name, place, outcome: { code, bytes } }: Ended): Promise<void> {
    const ended = await query(END, [...this.#held, name, code, bytes, place, traceId()], { name: 'rondo_run_end' });
    if (ended.length === 0) throw new ClaimLost();
  }

  /** Changes the run itself: with its row locked, before that of the task, as in signals. */
  #change<T>(work: (transaction: Queries, failing: boolean) => Promise<T>): Promise<T> {
    const { database, attempt } = this.#options;
    return database.transaction(async (transaction) => {
      const lock = 'SELECT code IS NOT NULL AS failing FROM workflow_runs WHERE id = $1 FOR NO KEY UPDATE';
      const row = await transaction.maybeOne<{ failing: boolean }>(lock, [this.#run]);
      const claimed = 'SELECT FROM jobs WHERE id = $1 AND claim = $2 FOR UPDATE';
      const held = await transaction.query(claimed, [attempt.id, attempt.claim]);
      if (row === undefined || held.length === 0) throw new ClaimLost();
      return await work(transaction, row.failing);
    });
  }

  /** The same, unless the run was cancelled, and isn't undone yet. */
  #going<T>(work: (transaction: Queries) => Promise<T>): Promise<T> {
    return this.#change(async (transaction, failing) => {
      if (failing && !this.#undoing) throw new RunCancelled();
      return await work(transaction);
    });
  }

  async #giveBack({ query }: Queries, due: string, params: readonly SqlValue[]): Promise<void> {
    const sql = `UPDATE jobs SET claim = NULL, error = $2, attempts = $3, ends = 0, unfit = NULL, due_time = ${due} WHERE id = $1`;
    await query(sql, [this.#options.attempt.id, ...params]);
  }
}
