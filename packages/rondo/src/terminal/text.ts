/** Characters that could control the terminal or reorder its text: control characters, line separators and bidi controls. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** `text` on one line, with control characters escaped. Text of a server must pass this before it is printed. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => {
    return JSON.stringify(character)
      .slice(1, -1)
      .replace(CONTROL, (rest) => `\\u${hex(rest)}`);
  });
}

const ESCAPE = '\u001b';
/** What rondo itself writes besides text: the ends of lines, tabs, and the styles of `Style`. */
const OWN = `[\\n\\t]|${ESCAPE}\\[(?:[12]|22|3[12369])m`;
const OWN_OR_CONTROL = new RegExp(`(${OWN})|${CONTROL.source}`, 'gu');

/** A text of several lines as it may be written to a terminal: only line breaks, tabs and, if it has colours, our own styles are left. */
export function shown(text: string, color: boolean): string {
  return text.replace(OWN_OR_CONTROL, (found, own = '') =>
    own.length === 1 || (color && own !== '') ? own : printable(found),
  );
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0');
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const STEPS = [
  { unit: 'd', lengthMs: 86_400_000 },
  { unit: 'h', lengthMs: 3_600_000 },
  { unit: 'm', lengthMs: 60_000 },
] as const;

/** Parses `500ms`, `2s`, `1.5m` or `1h` into milliseconds; undefined if `text` is not a duration above zero. */
export function parseDurationMs(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const durationMs = Number(amount) * (UNITS_MS[unit] ?? Number.NaN);
  return durationMs > 0 ? durationMs : undefined;
}

/** An age in its largest whole unit: `12s`, `3m`, `2h`, `5d`. A time in the future, by another machine's clock, is `0s`. */
export function formatAge(ageMs: number): string {
  const step = STEPS.find(({ lengthMs }) => ageMs >= lengthMs);
  if (step !== undefined) return `${Math.floor(ageMs / step.lengthMs)}${step.unit}`;
  return `${Math.max(0, Math.floor(ageMs / 1_000))}s`;
}

/** {@link formatAge} of a time; a dash if there is none. */
export const ageOf = (time: Date | undefined, nowMs: number): string =>
  time === undefined ? '-' : formatAge(nowMs - time.getTime());

/** A time in UTC, to the second; a dash if there is none. */
export const timeOf = (time: Date | undefined): string => time?.toISOString().replace(/\.\d+Z$/, 'Z') ?? '-';

/** The time of day in UTC, as in logs: `08:35:10.123Z`. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11);
}
