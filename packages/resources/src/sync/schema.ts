import type { SchemaPart } from '@rondo/database';

/** The channel that `sync_relay` notifies; the payload is the newest position. */
export const CHANNEL = 'sync_changes';

/**
 * `sync_outbox` receives changes in the writers' transactions; `sync_changes` is the history of relayed changes.
 *
 * A change gets its position when it is relayed. By then it is known to be committed, and only one relay runs at a
 * time. So positions have no gaps and become visible in order, however late a writer commits. `mark` is drawn at random
 * for each relay: the same position with another mark belongs to another history, as after the restore of a backup. The
 * row at position 0 stands for the beginning. The newest row is never trimmed, because the next position follows from
 * it.
 */
const FIRST = `
CREATE TABLE sync_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL CHECK (char_length(topic) BETWEEN 1 AND 200),
  payload jsonb NOT NULL,
  create_time timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE sync_changes (
  position bigint PRIMARY KEY,
  mark text NOT NULL,
  outbox_id bigint NOT NULL,
  topic text NOT NULL,
  payload jsonb NOT NULL,
  create_time timestamptz NOT NULL,
  relay_time timestamptz NOT NULL
);

CREATE INDEX sync_changes_topic ON sync_changes (topic, position);

INSERT INTO sync_changes (position, mark, outbox_id, topic, payload, create_time, relay_time)
SELECT 0, left(gen_random_uuid()::text, 13), 0, '', 'null', clock_timestamp(), clock_timestamp();

-- Moves at most so many rows; returns how many it moved.
CREATE FUNCTION sync_relay(most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  head bigint;
  moved integer;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'sync_relay runs at read committed only: each of its statements has to see what is committed by then';
  END IF;
  IF NOT EXISTS (SELECT FROM sync_outbox) THEN
    RETURN 0;
  END IF;
  -- Until the end of the transaction, so that the next one sees these positions. "sync" in ASCII.
  PERFORM pg_advisory_xact_lock(x'73796e63'::bigint);
  SELECT coalesce(max(position), 0) INTO head FROM sync_changes;
  WITH taken AS (
    DELETE FROM sync_outbox WHERE id IN (SELECT id FROM sync_outbox ORDER BY id LIMIT most)
    RETURNING id, topic, payload, create_time
  )
  INSERT INTO sync_changes (position, mark, outbox_id, topic, payload, create_time, relay_time)
  SELECT head + row_number() OVER (ORDER BY id), relay.mark, id, topic, payload, create_time, relay.time
  FROM taken, (SELECT left(gen_random_uuid()::text, 13) AS mark, clock_timestamp() AS time) AS relay;
  GET DIAGNOSTICS moved = ROW_COUNT;
  IF moved > 0 THEN
    PERFORM pg_notify('${CHANNEL}', (head + moved)::text);
  END IF;
  RETURN moved;
END
$$;
`;

/**
 * Relayed rows stay in the pages of the outbox until a vacuum, so the cost of a sequential scan grows with each relay.
 * An index scan skips entries that it has found dead.
 */
const ALONG_THE_INDEX = `
ALTER FUNCTION sync_relay(integer) SET enable_seqscan = off;
ALTER FUNCTION sync_relay(integer) SET enable_hashjoin = off;
ALTER FUNCTION sync_relay(integer) SET enable_mergejoin = off;
`;

/**
 * A row-level trigger makes a table a feed: it appends each row as it is after a change. It sees every write, whichever
 * version of the service has made it. The argument after the topic names a column that decides who may see a
 * row, such as its owner; if its value changes, the entry says so.
 *
 * ```sql
 * CREATE TRIGGER books_are_watched AFTER INSERT OR UPDATE OR DELETE ON books
 *   FOR EACH ROW EXECUTE FUNCTION sync_append_row('books', 'owner');
 * ```
 */
const ROWS = `
-- Each value as a text: a program that reads JSON numbers loses digits of large ones.
CREATE FUNCTION sync_texts(stored jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(stored)
$$;

CREATE FUNCTION sync_append_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  stored jsonb;
  moved jsonb := '{}';
BEGIN
  IF TG_OP = 'DELETE' THEN
    stored := to_jsonb(OLD) || '{"removed": true}';
  ELSE
    stored := to_jsonb(NEW);
  END IF;
  IF TG_OP = 'UPDATE' AND TG_NARGS > 1 AND to_jsonb(OLD) -> TG_ARGV[1] <> stored -> TG_ARGV[1] THEN
    moved := jsonb_build_object('handover', true, 'from', to_jsonb(OLD) -> TG_ARGV[1], 'to', stored -> TG_ARGV[1]);
  END IF;
  INSERT INTO sync_outbox (topic, payload)
  VALUES (TG_ARGV[0], moved || jsonb_build_object('rows', jsonb_build_array(sync_texts(stored))));
  RETURN NULL;
END
$$;
`;

/**
 * A `Date` reads all texts of times only in UTC: by the clocks of other places the last day of the year 9999 is in the year 10000, the first of
 * the year 1 is before Christ, and before there were time zones an offset has seconds.
 */
const IN_UTC = `
ALTER FUNCTION sync_append_row() SET timezone = 'UTC';
`;

/** The tables of this package; pass it to `createReadiness` in `parts`. */
export const syncSchema: SchemaPart = {
  name: 'sync',
  migrations: [
    { name: '0001_outbox_and_changes.sql', sql: FIRST },
    { name: '0002_relay_along_the_index.sql', sql: ALONG_THE_INDEX },
    { name: '0003_rows.sql', sql: ROWS },
    { name: '0004_times_in_utc.sql', sql: IN_UTC },
  ],
};
