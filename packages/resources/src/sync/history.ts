import type { Queries } from '@rondo/database';

/** A position in a history. A watcher at this position has seen everything up to it. */
export interface Anchor {
  /** The position of the last seen change; 0 is the beginning. */
  readonly position: bigint;
  /** Identifies the history: after a restore from a backup, positions repeat with other marks. */
  readonly mark: string;
}

/** A relayed change. */
export interface Change extends Anchor {
  readonly outboxId: bigint;
  readonly topic: string;
  readonly payload: unknown;
  /** When it was appended, by the database's clock. */
  readonly createTime: Date;
}

/** A change that a snapshot included. */
export interface Included {
  /** When it was written, in milliseconds: another history may reuse an id. */
  readonly writtenMs: number;
  /** Of a change of several rows, only those above this key are included; undefined for all. */
  readonly above?: bigint | undefined;
}

const COLUMNS = 'position, mark, outbox_id AS "outboxId", topic, payload, create_time AS "createTime"';

/** The newest position. */
export async function readHead(database: Queries): Promise<Anchor> {
  return database.one<Anchor>('SELECT position, mark FROM sync_changes ORDER BY position DESC LIMIT 1');
}

/** Whether the position still exists in this history. */
export async function isIntact(database: Queries, { position, mark }: Anchor): Promise<boolean> {
  const rows = await database.query('SELECT FROM sync_changes WHERE position = $1 AND mark = $2', [position, mark]);
  return rows.length === 1;
}

/** A row of the outbox. */
export interface Appended {
  readonly id: bigint;
  readonly createTime: Date;
  readonly payload: unknown;
}

/**
 * Committed changes of the topic that this transaction sees and that aren't relayed yet, up to `maxChanges` + 1 of
 * them.
 */
export async function readPending(
  transaction: Queries,
  topic: string,
  maxChanges: number,
): Promise<readonly Appended[]> {
  const sql = 'SELECT id, create_time AS "createTime", payload FROM sync_outbox WHERE topic = $1 ORDER BY id LIMIT $2';
  return transaction.query<Appended>(sql, [topic, maxChanges + 1]);
}

/**
 * A single statement: a relay moves a change between the tables atomically, so the statement finds it in one of them.
 */
const APPENDED = `
  SELECT id, create_time AS "createTime" FROM sync_outbox WHERE id = ANY($1::bigint[])
  UNION ALL
  SELECT outbox_id, create_time FROM sync_changes WHERE position > $2 AND outbox_id = ANY($1::bigint[])`;

/**
 * Whether the changes that a snapshot included before they were relayed belong to this history. They don't if the
 * database was restored from an older backup, even if the position exists there.
 */
export async function wereAppended(
  database: Queries,
  included: ReadonlyMap<bigint, Included>,
  after: bigint,
): Promise<boolean> {
  if (included.size === 0) return true;
  const ids = `{${[...included.keys()].join(',')}}`;
  const rows = await database.query<Omit<Appended, 'payload'>>(APPENDED, [ids, after]);
  return (
    rows.filter(({ id, createTime }) => included.get(id)?.writtenMs === createTime.getTime()).length === included.size
  );
}

/** The next changes of all topics; undefined if `from` is gone, as some changes may be gone, too. */
export async function readOn(
  database: Queries,
  from: Anchor,
  maxChanges: number,
): Promise<readonly Change[] | undefined> {
  const sql = `SELECT ${COLUMNS} FROM sync_changes WHERE position >= $1 ORDER BY position LIMIT $2`;
  const [anchor, ...rows] = await database.query<Change>(sql, [from.position, maxChanges + 1]);
  if (anchor?.position !== from.position || anchor.mark !== from.mark) return undefined;
  return rows;
}

/** A range of one topic's changes. */
export interface Range {
  readonly topic: string;
  /** Exclusive. */
  readonly from: Anchor;
  /** Inclusive. */
  readonly to: Anchor;
}

const TOPIC_PAGE = `
  SELECT intact, ${COLUMNS}
  FROM (SELECT EXISTS (SELECT FROM sync_changes WHERE position = $2 AND mark = $3) AS intact) AS anchor
    LEFT JOIN (
      SELECT position, mark, outbox_id, topic, payload, create_time FROM sync_changes
      WHERE topic = $1 AND position > $2 AND position <= $4 ORDER BY position LIMIT $5
    ) AS change ON true
  ORDER BY position`;

/** The next changes of one topic; undefined if `from` is gone, as some changes may be gone, too. */
export async function readTopic(
  database: Queries,
  { topic, from, to }: Range,
  maxChanges: number,
): Promise<readonly Change[] | undefined> {
  const params = [topic, from.position, from.mark, to.position, maxChanges];
  const rows = await database.query<{ intact: boolean } & (Change | { position: null })>(TOPIC_PAGE, params);
  if (rows[0]?.intact !== true) return undefined;
  return rows.flatMap((row) => (row.position === null ? [] : [row]));
}
