import { PROTOCOL_POINTS } from '@rondo/transactions';

/** A point of two-phase commit at which a process may die. */
export type ProtocolPoint = (typeof PROTOCOL_POINTS)[number];

/** A point in words. It names the point in the file that arms a process. */
export function describe({ role, step, moment }: ProtocolPoint): string {
  return `${role}, ${moment} ${step}`;
}

/** Every point, or one for each kind of recovery: undecided, decided, partly committed, aborted. */
export function pointsOf(brief: boolean): readonly ProtocolPoint[] {
  return brief ? PROTOCOL_POINTS.filter((point) => BRIEF.has(describe(point))) : PROTOCOL_POINTS;
}

/** Whether a transaction comes to this point only if it is aborted. */
export function isOfAbort({ step }: ProtocolPoint): boolean {
  return ABORTING.has(step);
}

const BRIEF: ReadonlySet<string> = new Set([
  'coordinator, after send-prepare',
  'coordinator, after log-committing',
  'participant, before commit',
  'participant, after abort',
]);

const ABORTING: ReadonlySet<string> = new Set(['log-aborting', 'send-abort', 'abort', 'log-aborted']);
