import type { Queries } from '@rondo/database';

const MAX_TOPIC_LENGTH = 200;
const MAX_PAYLOAD_BYTES = 256 * 1024;

/** A change to be told. */
export interface NewChange {
  /** Whom it concerns: watchers follow one topic each, such as `projects/p1` or `orders`. 1 to 200 characters. */
  readonly topic: string;
  /** What they are told: JSON of at most 256 KiB. An int64 goes as a string, a time in RFC 3339. */
  readonly payload: object;
}

const APPEND = `
  INSERT INTO sync_outbox (topic, payload)
  SELECT topic, payload::jsonb FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS given (topic, payload, place)
  ORDER BY place`;

/**
 * Appends changes to the outbox, in the transaction of the write that they tell of: both are committed, or neither.
 *
 * Call it **after** the statements that it tells of. Watchers are told the changes of one topic in the order of these calls, and only
 * a writer that holds the row's lock already knows that nobody's earlier write is still to come.
 *
 * After the commit, `Sync.nudge` makes it known at once; without, it takes until the next sweep.
 *
 * @throws RangeError for a topic or payload out of bounds, TypeError for what JSON can't hold.
 */
export async function appendChanges(transaction: Pick<Queries, 'query'>, changes: readonly NewChange[]): Promise<void> {
  if (changes.length === 0) return;
  const payloads = changes.map(toJson);
  await transaction.query(APPEND, [changes.map(({ topic }) => topic), payloads]);
}

/** A change that a statement appends by itself: expressions in SQL. */
export interface ChangeSql {
  readonly topic: string;
  /** Of type jsonb. */
  readonly payload: string;
  /** A change for each row of this. */
  readonly from: string;
}

/**
 * As {@link appendChanges}, for a statement that writes and tells of it in one go: an `INSERT` for its `WITH`. The bounds
 * of topic and payload are the caller's to keep.
 */
export function appendSql({ topic, payload, from }: ChangeSql): string {
  return `INSERT INTO sync_outbox (topic, payload) SELECT ${topic}, ${payload} FROM ${from}`;
}

function toJson({ topic, payload }: NewChange): string {
  if (topic.length === 0 || topic.length > MAX_TOPIC_LENGTH) {
    throw new RangeError(`the topic "${topic}" has ${topic.length} characters: give it 1 to ${MAX_TOPIC_LENGTH}`);
  }
  const json = JSON.stringify(payload);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_PAYLOAD_BYTES) {
    throw new RangeError(`a change of ${topic} has ${bytes} bytes, more than ${MAX_PAYLOAD_BYTES}: tell it in parts`);
  }
  return json;
}

/** The fields of what watchers are told: each reader throws `TypeError` where there is something else. */
export interface PayloadFields {
  /** A text that has to be there. */
  text(field: string): string;
  /** A text, or null where there is none. */
  optional(field: string): string | null;
  texts(field: string): readonly string[];
  list(field: string): readonly unknown[];
  /** An int64, which is kept as a text. */
  whole(field: string): bigint;
  time(field: string): Date;
  optionalTime(field: string): Date | null;
  nested(field: string): PayloadFields;
}

/** Reads a payload, which other versions of the service may have written. @throws TypeError where it is no object */
export function payloadFields(payload: unknown): PayloadFields {
  if (typeof payload !== 'object' || payload === null) throw new TypeError('what is told is no object');
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(payload));
  const optional = (field: string): string | null => {
    const found = fields.get(field) ?? null;
    if (found !== null && typeof found !== 'string') throw new TypeError(`"${field}" of what is told is no text`);
    return found;
  };
  const text = (field: string): string => {
    const found = optional(field);
    if (found === null) throw new TypeError(`"${field}" of what is told is missing`);
    return found;
  };
  const list = (field: string): readonly unknown[] => {
    const found = fields.get(field);
    if (!Array.isArray(found)) throw new TypeError(`"${field}" of what is told is no list`);
    return found;
  };
  return {
    text,
    optional,
    list,
    texts: (field) => list(field).map((one) => textIn(field, one)),
    whole: (field) => BigInt(text(field)),
    time: (field) => new Date(text(field)),
    optionalTime: (field) => timeOf(optional(field)),
    nested: (field) => payloadFields(fields.get(field)),
  };
}

function textIn(field: string, found: unknown): string {
  if (typeof found !== 'string') throw new TypeError(`"${field}" of what is told has something other than texts`);
  return found;
}

function timeOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
