import type { Database, QueryOptions } from '@rondo/database';
import { ATTEMPT, type Attempt, claimed, LEASE_MS } from './attempt.js';
import { HEARTBEAT_MS } from './owners.js';
import { lockCounts } from './store.js';

/** How long claims go on that began before a reservation was stored. */
const CLAIMING_MS = 100;
/** How long a suspect waits for calls that run at its instance. It is made next to those that last longer. */
const PATIENCE_MS = 10_000;

/** A suspect whose turn it is, and its instance. */
interface Turn {
  readonly id: bigint;
  readonly method: string;
  readonly instance: string;
}

/** The methods whose suspects a worker may call, each with its instance. */
export interface Suspected {
  readonly method: string;
  readonly instance: string;
  readonly maxRunning: number | null;
  /** How many of a key may run in all processes. */
  readonly maxPerKey: number | null;
  /** Whether the instance answers now. */
  readonly answers: () => Promise<boolean>;
}

/**
 * The suspect that is made next, but none that waits for its lane, or for those that run of its method. The last one that was stored is the
 * first: an instance that stands still gets a few calls after the one that is the cause, and these are made quickly.
 */
const NEXT = `
  SELECT suspect.id, suspect.method, wanted.instance
  FROM jobs AS suspect JOIN unnest($1::text[], $2::text[], $3::integer[], $4::integer[]) AS wanted (method, instance, bound, per_key) USING (method)
  WHERE ends > 0 AND NOT failed AND due_time <= now() AND CASE WHEN per_key IS NULL THEN NOT EXISTS (
      SELECT FROM jobs AS other WHERE other.method = suspect.method AND other.lane = suspect.lane
      AND (other.id < suspect.id OR (other.claim IS NOT NULL AND other.due_time > now())))
    ELSE per_key > (SELECT count(*) FROM jobs AS other
      WHERE other.method = suspect.method AND claim IS NOT NULL AND due_time > now() AND other.lane = suspect.lane) END
    AND (bound IS NULL OR bound > (
      SELECT count(*) FROM jobs AS other WHERE other.method = suspect.method AND claim IS NOT NULL AND due_time > now()))
  ORDER BY suspect.id DESC LIMIT 1`;

const RESERVE = `
  INSERT INTO job_quarantine AS kept (instance, owner, until, since)
  VALUES ($1, $2, clock_timestamp() + $3 * interval '1 ms', clock_timestamp())
  ON CONFLICT (id) DO UPDATE SET instance = EXCLUDED.instance, owner = EXCLUDED.owner, until = EXCLUDED.until,
    since = CASE WHEN kept.instance = EXCLUDED.instance AND kept.until > now() THEN kept.since ELSE EXCLUDED.since END
  WHERE kept.owner = EXCLUDED.owner OR kept.until <= now()
  RETURNING since <= clock_timestamp() - ${CLAIMING_MS} * interval '1 ms' AS known`;

const CLAIM = `
  UPDATE jobs SET ${claimed({ claim: '$3', leaseMs: '$4' })}
  WHERE id = $1 AND ends > 0 AND NOT failed AND due_time <= now() AND NOT EXISTS (
    SELECT FROM jobs AS other WHERE claim IS NOT NULL AND due_time > now() AND (ends > 0 OR (
      other.avoids IS DISTINCT FROM $2
      AND EXISTS (SELECT FROM job_quarantine WHERE since > now() - ${PATIENCE_MS} * interval '1 ms'))))
  RETURNING ${ATTEMPT.outer}`;

/**
 * Makes suspects alone: one at a time of a database, at one instance, which gets no other stored calls meanwhile. If the instance ends, the
 * suspect is the cause.
 */
export class Quarantine {
  readonly #database: Database;
  readonly #owner: string;
  #isHeld = false;

  constructor(database: Database, owner: string) {
    this.#database = database;
    this.#owner = owner;
  }

  /** Claims a suspect; undefined if none is due, or another worker makes suspects. `waits`: one is due, and others run at its instance. */
  async claim(
    suspected: readonly Suspected[],
    claim: string,
    options: QueryOptions,
  ): Promise<{ readonly attempt: Attempt; readonly instance: string } | 'waits' | undefined> {
    const wanted = [
      suspected.map(({ method }) => method),
      suspected.map(({ instance }) => instance),
      suspected.map(({ maxRunning }) => maxRunning),
      suspected.map(({ maxPerKey }) => maxPerKey),
    ];
    const turn = await this.#database.maybeOne<Turn>(NEXT, wanted, options);
    if (turn === undefined) {
      await this.release();
      return undefined;
    }
    const reservation = await this.#database.maybeOne<{ known: boolean }>(
      RESERVE,
      [turn.instance, this.#owner, HEARTBEAT_MS.dead],
      options,
    );
    this.#isHeld = reservation !== undefined;
    if (reservation === undefined) return undefined;
    const answers = suspected.find(({ method }) => method === turn.method)?.answers;
    if (!reservation.known || !(await answers?.())) return 'waits';
    const attempt = await this.#database.transaction(async (transaction) => {
      await lockCounts(transaction, [turn.method]);
      const due = await transaction.maybeOne<Turn>(NEXT, wanted);
      if (due?.id !== turn.id) return undefined;
      return await transaction.maybeOne<Attempt>(CLAIM, [turn.id, turn.instance, claim, LEASE_MS]);
    }, options);
    return attempt === undefined ? 'waits' : { attempt, instance: turn.instance };
  }

  /** Whether this worker makes suspects. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  async release(): Promise<void> {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    await this.#database.query('DELETE FROM job_quarantine WHERE owner = $1', [this.#owner]);
  }
}
