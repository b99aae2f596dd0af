import { type Clock, createPruning, type Random } from '@rondo/base';
import type { Queries } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';

/** The most rows that are deleted at once, which takes a few milliseconds. */
const BATCH = 1_000;
const statement = (table: string, key: string, ended: string) => `
  DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE ${ended} ORDER BY update_time LIMIT ${BATCH}
    FOR UPDATE SKIP LOCKED) RETURNING ${key}`;
/** Rows that nothing asks for any more. A coordinator may send a decision again until each participant has confirmed it. */
const OLD = {
  transactions: statement(
    'transaction_log',
    'id',
    "state IN ('committed', 'aborted') AND update_time < now() - interval '7 days'",
  ),
  branches: statement('transaction_branches', 'gid', "update_time < now() - interval '30 days'"),
  sagas: statement('sagas', 'id', "state IN ('done', 'compensated') AND update_time < now() - interval '30 days'"),
};

/** What the removal of old rows works with. */
interface PruningContext {
  readonly database: Pick<Queries, 'query'>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

/** Removes old rows from time to time, a batch after the other. */
export function pruneOld(what: keyof typeof OLD, { database, log, clock, random }: PruningContext) {
  const prune = async (signal: AbortSignal) => {
    while ((await database.query(OLD[what], [], { signal })).length === BATCH);
  };
  const onError = (error: unknown) => log.warn({ err: error }, `old ${what} could not be removed`);
  return createPruning(prune, { clock, random, onError });
}
