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
