import { type Queries, sqlStateOf } from '@rondo/database';
import type { Logger } from '@rondo/rpc/call';
import type { Clock, Timer } from '@rondo/rpc/clock';
import { type AuditEvent, COLUMNS } from './event.js';

/** A refused call and when it was refused. */
export interface Refusal {
  readonly event: AuditEvent;
  readonly time: Date;
}

/** The refusals that wait to be written. */
export interface Refusals {
  /** Takes a refusal. It never waits: if too many are waiting, the refusal is lost and counted. */
  add(refusal: Refusal): void;
  /** How many have been lost since the process started. */
  readonly lost: number;
  /** Writes the waiting refusals at once. */
  flush(): Promise<void>;
  /** Writes the waiting refusals, and takes no more. */
  close(): Promise<void>;
}

const EVERY_MS = 1_000;
const BATCH = 500;
const MAX_WAITING = 5_000;

/** SQLSTATEs of data that can't be stored: it isn't of its type, breaks a constraint, or is too large. */
const REFUSED_DATA = /^(?:22|23|54)/;

const INSERT = `
  INSERT INTO audit_events (${COLUMNS}, create_time)
  SELECT subject, issuer, process, ARRAY(SELECT jsonb_array_elements_text(actors)), method, resource, code, trace_id, create_time
  FROM jsonb_to_recordset($1::jsonb) AS refusal
    (subject text, issuer text, process text, actors jsonb, method text, resource text, code smallint, trace_id text,
     create_time timestamptz)`;

/** Creates the queue: it writes a batch each second, apart from the calls, which don't wait for it. */
export function createRefusals(
  database: Queries,
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): Refusals {
  let waiting: Refusal[] = [];
  let lost = 0;
  let timer: Timer | undefined;
  let closed = false;
  let writing: Promise<void> = Promise.resolve();

  /** Writes a batch. If the database refuses the batch, each half is written by itself, so that one bad event loses no other. */
  const insert = async (batch: readonly Refusal[]): Promise<void> => {
    try {
      await database.query(INSERT, [JSON.stringify(batch.map(rowOf))]);
    } catch (error) {
      if (batch.length > 1 && REFUSED_DATA.test(sqlStateOf(error) ?? '')) {
        const middle = batch.length >> 1;
        await insert(batch.slice(0, middle));
        await insert(batch.slice(middle));
        return;
      }
      lost += batch.length;
      log.warn({ err: error, lost }, 'events of refused calls could not be written, and are lost');
    }
  };
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
      await insert(batch);
    }
  };
  const flush = (): Promise<void> => {
    timer?.cancel();
    timer = undefined;
    writing = writing.then(write);
    return writing;
  };
  return {
    add(refusal) {
      if (closed || waiting.length >= MAX_WAITING) {
        lost += 1;
        return;
      }
      waiting.push(refusal);
      timer ??= clock.setTimer(EVERY_MS, () => void flush());
    },
    get lost() {
      return lost;
    },
    flush,
    close() {
      closed = true;
      return flush();
    },
  };
}

function rowOf({ event, time }: Refusal): object {
  const { traceId, ...columns } = event;
  return { ...columns, trace_id: traceId, create_time: time.toISOString() };
}
