import type { Queries } from '@rondo/database';

/** A place in the history: what comes after it is what its holder hasn't seen. */
export interface Anchor {
  /** Of the last change before; 0 is the beginning. */
  readonly position: bigint;
  /** Which history it is a position of. */
  readonly mark: string;
}

/** A change as it was relayed. */
export interface Change extends Anchor {
  readonly outboxId: bigint;
  readonly topic: string;
  readonly payload: unknown;
  /** When it was appended, by the database's clock. */
  readonly createTime: Date;
}

interface ChangeRow {
  readonly position: bigint;
  readonly mark: string;
  readonly outbox_id: bigint;
  readonly topic: string;
  readonly payload: unknown;
  readonly create_time: Date;
}

const COLUMNS = 'position, mark, outbox_id, topic, payload, create_time';

/** The newest place. */
export async function readHead(database: Queries): Promise<Anchor> {
  return database.one<Anchor>('SELECT position, mark FROM sync_changes ORDER BY position DESC LIMIT 1');
}

/** Whether the place is still there, and of this history. */
export async function isIntact(database: Queries, { position, mark }: Anchor): Promise<boolean> {
  const rows = await database.query('SELECT FROM sync_changes WHERE position = $1 AND mark = $2', [position, mark]);
  return rows.length === 1;
}

/** A change of the outbox. */
interface Appended {
  readonly id: bigint;
  readonly createTime: Date;
}

/** What of the topic is committed, as this transaction sees it, and isn't relayed yet; at most `most` and one more. */
export async function readPending(transaction: Queries, topic: string, most: number): Promise<readonly Appended[]> {
  const sql = 'SELECT id, create_time AS "createTime" FROM sync_outbox WHERE topic = $1 ORDER BY id LIMIT $2';
  return transaction.query<Appended>(sql, [topic, most + 1]);
}

/** One statement: a relay moves a change from the one table to the other at a moment, which is before it or after. */
const APPENDED = `
  SELECT id, create_time AS "createTime" FROM sync_outbox WHERE id = ANY($1::bigint[])
  UNION ALL
  SELECT outbox_id, create_time FROM sync_changes WHERE position > $2 AND outbox_id = ANY($1::bigint[])`;

/**
 * Whether changes that a snapshot had before they were relayed were written in this history. They weren't where the
 * database was restored from a backup of before, though the place be in it.
 */
export async function wereAppended(
  database: Queries,
  told: ReadonlyMap<bigint, number>,
  after: bigint,
): Promise<boolean> {
  if (told.size === 0) return true;
  const ids = `{${[...told.keys()].join(',')}}`;
  const rows = await database.query<Appended>(APPENDED, [ids, after]);
  return rows.filter(({ id, createTime }) => told.get(id) === createTime.getTime()).length === told.size;
}

/** The next changes of all topics; undefined where the place is gone, and changes may be with it. */
export async function readOn(database: Queries, from: Anchor, most: number): Promise<readonly Change[] | undefined> {
  const sql = `SELECT ${COLUMNS} FROM sync_changes WHERE position >= $1 ORDER BY position LIMIT $2`;
  const [anchor, ...rows] = await database.query<ChangeRow>(sql, [from.position, most + 1]);
  if (anchor?.position !== from.position || anchor.mark !== from.mark) return undefined;
  return rows.map(toChange);
}

/** Which changes of a topic. */
export interface Range {
  readonly topic: string;
  /** Exclusive. */
  readonly from: Anchor;
  /** Inclusive. */
  readonly to: Anchor;
}

const TOPIC_PAGE = `
  SELECT
    anchor.intact, change.position, change.mark, change.outbox_id, change.topic, change.payload, change.create_time
  FROM
    (SELECT EXISTS (SELECT FROM sync_changes WHERE position = $2 AND mark = $3) AS intact) AS anchor
    LEFT JOIN (
      SELECT ${COLUMNS} FROM sync_changes WHERE topic = $1 AND position > $2 AND position <= $4
      ORDER BY position LIMIT $5
    ) AS change ON true
  ORDER BY change.position`;

/** The next changes of one topic; undefined where the place is gone, and changes may be with it. */
export async function readTopic(
  database: Queries,
  { topic, from, to }: Range,
  most: number,
): Promise<readonly Change[] | undefined> {
  const params = [topic, from.position, from.mark, to.position, most];
  const rows = await database.query<{ intact: boolean } & (ChangeRow | { position: null })>(TOPIC_PAGE, params);
  if (rows[0]?.intact !== true) return undefined;
  return rows.flatMap((row) => (row.position === null ? [] : [toChange(row)]));
}

function toChange({ position, mark, outbox_id, topic, payload, create_time }: ChangeRow): Change {
  return { position, mark, outboxId: outbox_id, topic, payload, createTime: create_time };
}
