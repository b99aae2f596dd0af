import type { CallTiming } from '../call/call-timer.js';
import type { Attempt, CallReport } from './rpc-error.js';

/** The most attempts that a text names: the last ones, as the call ended with them. */
const MAX_NAMED = 5;
/** The longest name of an instance, as other systems choose some of them. */
const MAX_NAME_LENGTH = 120;

/** An instance as messages name it. */
export function nameOf({ instance, address }: Pick<Attempt, 'instance' | 'address'>): string {
  return instance === address ? address : `${instance} at ${address}`;
}

/**
 * A report as the end of the error's text: the attempts, each with its instance, code and time, and the time of the call, by phase as far
 * as it is known. An instance whose address `message` has already is named by its id.
 */
export function describeReport({ attempts, elapsedMs, timing }: CallReport, message: string): string {
  const named = attempts.slice(-MAX_NAMED).map((attempt) => describeAttempt(attempt, message));
  const omitted = attempts.length > MAX_NAMED ? `, the last ${MAX_NAMED}` : '';
  const list = named.length === 0 ? '' : `${omitted}: ${named.join(', ')}`;
  const phases = timing === undefined ? waitingOf(attempts, elapsedMs) : `; ${phasesOf(timing)}`;
  return `${countOf(attempts.length)} in ${timeOf(elapsedMs)}${list}${phases}`;
}

/** How long the call waited outside its attempts, for a lookup, a connection or a retry, if that is known and counts. */
function waitingOf(attempts: readonly Attempt[], elapsedMs: number): string {
  if (attempts.length === 0 || attempts.some(({ code }) => code === 'PENDING')) return '';
  const waitedMs = elapsedMs - attempts.reduce((sum, attempt) => sum + attempt.elapsedMs, 0);
  return waitedMs < 1 ? '' : `; ${timeOf(waitedMs)} of waiting before and between`;
}

/** Each phase that took a time, by its name. */
function phasesOf({ totalMs: _, ...phases }: CallTiming): string {
  const took = Object.entries(phases).filter(([, ms = 0]) => ms >= SHORTEST_MS);
  return took.map(([name, ms = 0]) => `${name.slice(0, -'Ms'.length)} ${timeOf(ms)}`).join(', ');
}

/** What {@link timeOf} doesn't write as 0. Milliseconds. */
const SHORTEST_MS = 0.05;

function describeAttempt({ instance, address, code, elapsedMs }: Attempt, message: string): string {
  const known = instance !== '' && message.includes(nameOf({ instance, address }));
  const name = shortened(known ? instance : nameOf({ instance, address }));
  // An attempt that is still running has no time of its own.
  return code === 'PENDING' ? `${name} without an answer` : `${name} ${code} after ${timeOf(elapsedMs)}`;
}

const countOf = (attempts: number): string =>
  attempts === 0 ? 'no attempt' : attempts === 1 ? '1 attempt' : `${attempts} attempts`;

const shortened = (name: string): string =>
  name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name;

/** Tenths of a millisecond tell local calls apart; above 10 ms they say nothing. */
const timeOf = (ms: number): string => `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
