import type { Queries } from '@rondo/database';

const MAX_TOPIC_LENGTH = 200;
const MAX_PAYLOAD_BYTES = 256 * 1024;

/** A change to publish. */
export interface NewChange {
  /**
   * The topic that it belongs to, such as `projects/p1` or `orders`. A watcher watches one topic. 1 to 200 characters.
   */
  readonly topic: string;
  /** What watchers receive: JSON of at most 256 KiB. Encode an int64 as a string and a time in RFC 3339. */
  readonly payload: object;
}

const APPEND = `
  INSERT INTO sync_outbox (topic, payload)
  SELECT topic, payload::jsonb FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS given (topic, payload, place)
  ORDER BY place`;

/**
 * Appends changes to the outbox in the transaction of the write that they describe, so that both are committed or
 * neither.
 *
 * Call it **after** the statements that it describes. Watchers get the changes of one topic in the order of these
 * calls. Only a writer that holds the row's lock can be sure that no earlier write is still to come.
 *
 * Call `Sync.nudge` after the commit to publish the changes at once. Without it they wait for the next sweep.
 *
 * @throws RangeError for a topic or payload out of bounds, TypeError for a payload that JSON can't represent.
 */
export async function appendChanges(transaction: Pick<Queries, 'query'>, changes: readonly NewChange[]): Promise<void> {
  if (changes.length === 0) return;
  const payloads = changes.map(toJson);
  await transaction.query(APPEND, [changes.map(({ topic }) => topic), payloads]);
}

/** A change that a SQL statement appends itself; the values are SQL expressions. */
export interface ChangeSql {
  readonly topic: string;
  /** Of type jsonb. */
  readonly payload: string;
  /** The relation with one row per change. */
  readonly from: string;
}

/**
 * Like {@link appendChanges}, for a statement that writes and appends at once: an `INSERT` for its `WITH` clause. The
 * caller must keep the bounds of topic and payload.
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
    throw new RangeError(`a change of ${topic} has ${bytes} bytes, more than ${MAX_PAYLOAD_BYTES}: append it in parts`);
  }
  return json;
}

/** The fields of a payload. Each method throws `TypeError` if the field has another type. */
export interface PayloadFields {
  /** A required text. */
  text(field: string): string;
  /** A text; null if it is missing. */
  optional(field: string): string | null;
  texts(field: string): readonly string[];
  list(field: string): readonly unknown[];
  /** An int64, which is encoded as a text. */
  whole(field: string): bigint;
}

/**
 * Reads a payload, which may come from another version of the service.
 *
 * @throws TypeError if it isn't an object.
 */
export function payloadFields(payload: unknown): PayloadFields {
  if (typeof payload !== 'object' || payload === null) throw new TypeError('the payload is no object');
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(payload));
  const optional = (field: string): string | null => {
    const found = fields.get(field) ?? null;
    if (found !== null && typeof found !== 'string') throw new TypeError(`"${field}" of the payload is no text`);
    return found;
  };
  const text = (field: string): string => {
    const found = optional(field);
    if (found === null) throw new TypeError(`"${field}" of the payload is missing`);
    return found;
  };
  const list = (field: string): readonly unknown[] => {
    const found = fields.get(field);
    if (!Array.isArray(found)) throw new TypeError(`"${field}" of the payload is no list`);
    return found;
  };
  return {
    text,
    optional,
    list,
    texts: (field) => list(field).map((one) => textIn(field, one)),
    whole: (field) => BigInt(text(field)),
  };
}

function textIn(field: string, found: unknown): string {
  if (typeof found !== 'string') throw new TypeError(`"${field}" of the payload has something other than texts`);
  return found;
}
