import { hash } from 'node:crypto';
import type { ReportFault } from '@rondo/rpc/status';
import type { CalendarDate } from './domain/days.js';
import { StaleEtag } from './domain/errors.js';

/** A strong entity tag (RFC 9110), such as of this file. */
const ENTITY_TAG = /^"[\x21\x23-\x7e]*"$/;
const ETAG = /^"(\d{1,19})-([0-9a-f]{8})-([0-9a-f]{12})((?:-[0-9a-f]{6})*)"$/;
const [NAME_DIGITS, STATE_DIGITS, FIELD_DIGITS] = [8, 12, 6];

/** The fields of a resource that callers can change, by path. Values are compared by their JSON. */
type EtagFields = Readonly<Record<string, unknown>>;

/** The parts of a resource that its etag covers. Fields keep their order for ever; append new ones. */
export interface Etagged {
  /** The resource's name. */
  readonly name: string;
  /** The number of changes so far. */
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly fields: EtagFields;
}

/**
 * The etag of a resource (RFC 9110, AIP-154): its version, digests of its name and of its state, and one of each field. The name
 * makes an etag that of one resource. The times distinguish histories: after a restore the same version may occur again, at another
 * time. From the digests of fields a later request learns which of them have changed.
 */
export function etagOf(etagged: Etagged): string {
  const texts = Object.values(etagged.fields).map(toText);
  const parts = [`${etagged.version}`, digest(toText(etagged.name), NAME_DIGITS), stateOf(etagged, texts)];
  return `"${[...parts, ...texts.map(fieldDigest)].join('-')}"`;
}

/** @param texts the JSON of each field. */
function stateOf({ name, version, createTime, updateTime }: Etagged, texts: readonly string[]): string {
  const times = `${createTime.getTime()},${updateTime.getTime()}`;
  return digest(`[${toText(name)},"${version}",${times},[${texts.join(',')}]]`, STATE_DIGITS);
}

/** Checks the form of a request's etag; an empty one matches any state. */
export function checkEtag(report: ReportFault, etag: string): void {
  if (etag !== '' && !ENTITY_TAG.test(etag))
    report(`must be the etag of a reply, quotes included, or empty for any state; it is ${JSON.stringify(etag)}`);
}

/** A resource with which an etag is compared. */
export interface Present {
  readonly name: string;
  readonly etag: string;
  /** The fields that its etags cover, by path. */
  readonly paths: readonly string[];
}

/** @throws StaleEtag if the resource has changed since the caller read its etag, or never had it. */
export function requireEtag({ name, etag, paths }: Present, given: string): void {
  const changed = given === '' ? 'nothing' : changedSince(given, etag, paths);
  if (changed !== 'nothing') throw new StaleEtag(name, changed);
}

/**
 * The fields that differ between an etag and the present one of a resource; `nothing` if they are the same, `foreign` if the resource
 * never had the etag: it is of another resource, of a state that a restore has undone, or made up.
 */
export function changedSince(
  etag: string,
  present: string,
  paths: readonly string[],
): readonly string[] | 'nothing' | 'foreign' {
  const [, version, name, state, digests] = ETAG.exec(etag) ?? [];
  const [, reached = '', itsName, itsState, itsDigests = ''] = ETAG.exec(present) ?? [];
  if (version === undefined || digests === undefined) return 'foreign';
  if (name !== itsName || BigInt(version) > BigInt(reached)) return 'foreign';
  if (state === itsState) return 'nothing';
  const [known, now] = [digests, itsDigests].map((text) => text.split('-').slice(1));
  return paths.filter((_path, index) => known?.[index] !== now?.[index]);
}

/** The digest of a field's JSON. */
function fieldDigest(text: string): string {
  if (text.length > SHORT) return digest(text, FIELD_DIGITS);
  let known = digestsOfShort.get(text);
  if (known === undefined) {
    if (digestsOfShort.size >= MOST_SHORT) digestsOfShort.clear();
    known = digest(text, FIELD_DIGITS);
    digestsOfShort.set(text, known);
  }
  return known;
}

/** The first digits of a text's SHA-256. */
function digest(text: string, digits: number): string {
  return hash('sha256', text).slice(0, digits);
}

/** A value's JSON; a bigint is a string in it. */
export function toText(value: unknown): string {
  if (value === undefined || typeof value === 'string') return JSON.stringify(value ?? null);
  if (!hasBytes(value))
    return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}` : part));
  if (Buffer.isBuffer(value)) return `{"type":"Buffer","data":[${value.join(',')}]}`;
  if (Array.isArray(value)) return `[${value.map(toText).join(',')}]`;
  const given = Object.entries(value).filter(([, part]) => part !== undefined);
  return `{${given.map(([key, part]) => `${JSON.stringify(key)}:${toText(part)}`).join(',')}}`;
}

/** Whether there are bytes for each of which `JSON.stringify` would call a function. */
const hasBytes = (value: unknown): value is object =>
  Buffer.isBuffer(value)
    ? value.length > SHORT
    : typeof value === 'object' && value !== null && Object.values(value).some(hasBytes);

/** Digests of short texts. Most fields have one of few values, such as a state or nothing. */
const digestsOfShort = new Map<string, string>();
const [SHORT, MOST_SHORT] = [24, 1_000];

/** `google.type.Date`. */
interface DateMessage {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** A complete date; undefined if it is unset. A fault is reported. */
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

/** A date as a `google.type.Date`; undefined if there is none. */
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
