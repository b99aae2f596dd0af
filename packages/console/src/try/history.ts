import type { JsonValue } from '@bufbuild/protobuf';
import type { Entries } from '../calls/connect.js';
import type { Answer } from './running.js';

/** A call that was made. */
export interface Past {
  readonly number: number;
  /** Of day. */
  readonly time: string;
  readonly messages: readonly JsonValue[];
  readonly metadata: Entries;
  readonly deadline: string;
  readonly answer: Answer;
}

const MAX_PAST = 20;

/** Puts a call before the others, of which the oldest goes. */
export function remember(past: readonly Past[], call: Omit<Past, 'number' | 'time'>): readonly Past[] {
  const number = (past[0]?.number ?? 0) + 1;
  return [{ ...call, number, time: new Date().toLocaleTimeString() }, ...past].slice(0, MAX_PAST);
}
