import type { JsonValue } from '@bufbuild/protobuf';

/** Control characters, and marks that turn the direction of what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it finds.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** The text with what can't be seen written out, such as `\u202e`. */
export const visible = (text: string): string =>
  text.replace(UNSEEN, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** JSON with what can't be seen in its texts and names written out. */
export function visibleIn(json: JsonValue): JsonValue {
  if (typeof json === 'string') return visible(json);
  if (Array.isArray(json)) return json.map(visibleIn);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [visible(name), visibleIn(value)]));
}

/** The zone of all times that are shown, such as `GMT+1`. */
export const ZONE =
  new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })
    .formatToParts()
    .find(({ type }) => type === 'timeZoneName')?.value ?? '';

const MOMENT = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

/** The time of day, with milliseconds, of milliseconds since the Unix epoch. */
export const formatMoment = (unixMs: number): string => (Number.isNaN(unixMs) ? '–' : MOMENT.format(unixMs));

/** The same in whole seconds. */
export const formatTime = (unixMs: number): string => formatMoment(unixMs).replace(/\..*/, '');

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** Day and time of day, with the zone, of a time in RFC 3339. */
export const formatDate = (time = ''): string => (time === '' ? '–' : `${DATE.format(new Date(time))} ${ZONE}`);

/** Milliseconds, with as many digits as help. */
export const formatMs = (ms: number): string => ms.toFixed(ms < 100 ? 2 : 0);

/** The name of a value of an enum in lower case, without that of the enum: `failed` of `JOB_STATE_FAILED`. */
export const wordOf = (name = ''): string => name.replace(/^.*STATE_/, '').toLowerCase();

/** A status as gRPC writes it, such as `NOT_FOUND`, of a name in Connect; of HTTP such as `HTTP 404`. */
export const statusOf = (code = 'ok'): string =>
  code === 'canceled' ? 'CANCELLED' : code.replace(/^\d/, 'HTTP $&').toUpperCase();

/** Such as `1 span` and `2 spans`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumSignificantDigits: 2 });

/** A number with at most one decimal; a dash if it isn't known. */
export const figure = (value: number | undefined): string => (value === undefined ? '–' : short.format(value));

/** A share, 0 to 1, in percent; a dash if it isn't known. */
export const share = (value: number | undefined): string => (value === undefined ? '–' : percent.format(value));

/** A duration in milliseconds or seconds; a dash if it isn't known. */
export const latencyOf = (ms: number | undefined): string =>
  ms === undefined ? '–' : ms < 1_000 ? `${short.format(ms)} ms` : `${short.format(ms / 1_000)} s`;

/** Two percentiles. */
export const latency = (p50Ms: number | undefined, p99Ms: number | undefined): string =>
  p50Ms === undefined ? '–' : `${latencyOf(p50Ms)} / ${latencyOf(p99Ms)}`;
