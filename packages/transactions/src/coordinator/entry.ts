/** What a participant has confirmed; empty where it hasn't. */
export type Confirmation = '' | 'committed' | 'aborted' | 'unknown';

/** What the log has of a participant. */
export interface LoggedParticipant {
  /** The service by which it is addressed. */
  readonly service: string;
  readonly outcome: Confirmation;
  /** Why it couldn't be told the last time. */
  readonly error: string;
}

/** What was decided. */
export type Decision = 'committed' | 'aborted';

/** A row of the log. */
export interface LogEntry {
  readonly id: string;
  readonly coordinator: string;
  readonly kind: string;
  readonly subject: string;
  readonly state: 'preparing' | 'committing' | 'aborting' | 'committed' | 'aborted' | 'conflict';
  readonly decision: Decision | null;
  readonly participants: readonly LoggedParticipant[];
  readonly attempts: number;
  readonly createTime: Date;
  readonly expireTime: Date;
}

/** An entry as SQL has it. */
export const ENTRY_COLUMNS = `id, coordinator, kind, subject, state, decision, participants, attempts,
  create_time AS "createTime", expire_time AS "expireTime"`;

/** A participant that confirmed nothing of a decision, or confirmed the contrary. */
export function contradicts({ outcome }: LoggedParticipant, decision: Decision): boolean {
  return outcome !== '' && outcome !== decision;
}
