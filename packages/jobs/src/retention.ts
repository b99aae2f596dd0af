import { createPruning } from '@rondo/base';
import type { Queries } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Random } from '@rondo/rpc/clock';

/** How many failed calls wait for an operator in a database, and for how long: those that are more, or older, are removed. */
const MOST = 100_000;
const DAYS = 90;
const BATCH = 1_000;

/**
 * A failed event that is still in its lane holds up those after it: it stays until an operator decides. The lane of a job has no order. A job
 * may have waited for months before it failed: since then it is due.
 */
const REMOVE = `
  DELETE FROM jobs WHERE id IN (
    SELECT id FROM jobs WHERE failed AND (lane IS NULL OR method LIKE '%/%') AND (due_time < now() - interval '${DAYS} days' OR create_time <
      (SELECT create_time FROM jobs WHERE failed ORDER BY create_time DESC OFFSET ${MOST - 1} LIMIT 1))
    ORDER BY create_time LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
  RETURNING id`;

/** What the removal of failed calls works with. */
interface RetentionContext {
  readonly database: Pick<Queries, 'query'>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

/** Removes failed calls that are too old or too many, from time to time. */
export function pruneFailed({ database, log, clock, random }: RetentionContext) {
  const prune = async (signal: AbortSignal) => {
    let removed = 0;
    for (let more = true; more; ) {
      const { length } = await database.query(REMOVE, [], { signal });
      removed += length;
      more = length === BATCH;
    }
    const why = `they were older than ${DAYS} days, or more than ${MOST}`;
    if (removed > 0) log.warn({ removed }, `${removed} failed calls were removed without an operator: ${why}`);
  };
  const onError = (error: unknown) => log.warn({ err: error }, 'old failed calls could not be removed');
  return createPruning(prune, { clock, random, onError });
}
