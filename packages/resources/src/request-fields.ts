import { createHash } from 'node:crypto';
import type { ReportFault } from '@rondo/rpc/status';

const ETAG = /^"(\d{1,19})((?:-[0-9a-f]{6})*)"$/;
const DIGEST_DIGITS = 6;

/** What of a resource its callers can change, by its field's path; a value is compared by its JSON. */
type EtagFields = Readonly<Record<string, unknown>>;

/** What an etag is made of. Fields keep their order for ever; new ones come last. */
export interface Etagged {
  /** Counts the changes. */
  readonly version: bigint;
  readonly fields: EtagFields;
}

/** What of a resource has changed since a caller read it, by field; undefined where nothing has, or nobody asks. */
export type ChangedSince<Resource> = (present: Resource) => readonly string[] | undefined;

/**
 * The etag of a resource (RFC 9110, AIP-154): its version, and a digest of each field, by which a later reader can be
 * told what has changed since.
 */
export function etagOf({ version, fields }: Etagged): string {
  return `"${[`${version}`, ...Object.values(fields).map(digestOf)].join('-')}"`;
}

/**
 * What has changed since a caller read the etag that it sends; an empty one asks for whatever is there. What a resource's
 * etag is made of, `etaggedOf` says.
 */
export function readEtag<Resource>(
  report: ReportFault,
  etag: string,
  etaggedOf: (present: Resource) => Etagged,
): ChangedSince<Resource> {
  if (etag !== '' && !ETAG.test(etag)) {
    report(
      `must be the etag of a reply, quotes included, or empty for whatever is there; it is ${JSON.stringify(etag)}`,
    );
  }
  return (present) => {
    const changed = etag === '' ? 'nothing' : changedSince(etag, etaggedOf(present));
    return changed === 'nothing' ? undefined : changed;
  };
}

/** Whether an etag is that of the present, and if not, which fields differ: `undefined` where it is no etag of ours. */
export function changedSince(etag: string, present: Etagged): readonly string[] | 'nothing' | undefined {
  const [, version, digests] = ETAG.exec(etag) ?? [];
  if (version === undefined || digests === undefined) return undefined;
  if (BigInt(version) === present.version) return 'nothing';
  const known = digests.split('-').slice(1);
  return Object.entries(present.fields)
    .filter(([, value], index) => known[index] !== digestOf(value))
    .map(([path]) => path);
}

function digestOf(value: unknown): string {
  const text = JSON.stringify(value ?? null, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}` : part));
  return createHash('sha256').update(text).digest('hex').slice(0, DIGEST_DIGITS);
}

/** The fields of a resource that an update may change, by path, and whether the request sets them. */
export type Updatable<Path extends string> = Readonly<Record<Path, boolean>>;

/** In a mask: all fields, so that the resource is replaced. */
const ALL = '*';

/**
 * Which fields an update is of: those that the mask names, or, without one, all that are set (AIP-134). The answer
 * tells of each path whether it is among them.
 */
export function readUpdateMask<Path extends string>(
  report: ReportFault,
  mask: readonly string[] | undefined,
  updatable: Updatable<Path>,
): (path: Path) => boolean {
  if (mask === undefined || mask.length === 0) return (path) => updatable[path];
  const unknown = mask.filter((path) => path !== ALL && !Object.hasOwn(updatable, path)).map((path) => `"${path}"`);
  if (unknown.length > 0) report(`must be of ${Object.keys(updatable).join(', ')}; it names ${unknown.join(', ')}`);
  const named: ReadonlySet<string> = new Set(mask);
  return (path) => named.has(ALL) || named.has(path);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const EXAMPLE = '0b4f8e52-6c1d-4e8a-9f27-3f6f0f9f3a10';

/** What makes a call safe to repeat (AIP-155): the caller's id for it, and what it asked for. */
export interface RequestKey {
  /** A UUID in lower case. */
  readonly id: string;
  /** SHA-256 of what is asked for, 32 bytes. */
  readonly fingerprint: Uint8Array;
}

/**
 * What makes a call safe to repeat; undefined where its caller didn't ask for that. `asked` is what the request asks for
 * as it was understood: without what the server ignores, and always in the same order.
 */
export function readRequestKey(report: ReportFault, requestId: string, asked: object): RequestKey | undefined {
  if (requestId === '') return undefined;
  if (!UUID.test(requestId)) report(`must be a UUID, such as ${EXAMPLE}, or empty; it is "${requestId}"`);
  return { id: requestId.toLowerCase(), fingerprint: fingerprintOf(asked) };
}

function fingerprintOf(asked: object): Uint8Array {
  const text = JSON.stringify(asked, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
  return createHash('sha256').update(text).digest();
}

/** A day of the Gregorian calendar, `YYYY-MM-DD`: years have four digits, so that dates compare as text. */
type CalendarDate = string;

/** `google.type.Date`. */
interface DateMessage {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** A whole date; one that isn't set is none. */
export function readDate(report: ReportFault, message: DateMessage | undefined): CalendarDate | undefined {
  if (message === undefined) return undefined;
  const { year, month, day } = message;
  const valid = within(year, 1, 9999) && within(month, 1, 12) && within(day, 1, daysIn(year, month));
  if (!valid) {
    report(`must be a day of the years 1 to 9999; it is year ${year}, month ${month}, day ${day}`);
    return undefined;
  }
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

/** A date as contracts have it; none where there is none. */
export function toDateMessage(date: CalendarDate | undefined): DateMessage | undefined {
  if (date === undefined) return undefined;
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number);
  return { year, month, day };
}

function daysIn(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (month === 2) return leap ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function within(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
