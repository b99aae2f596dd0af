import type { JsonValue } from '@bufbuild/protobuf';
import { useState } from 'preact/hooks';
import type { Entries } from '../calls/connect.js';
import { formatTime } from '../ui/text.js';
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
  return [{ ...call, number, time: formatTime(Date.now()) }, ...past].slice(0, MAX_PAST);
}

/** What a person has filled in, and the calls before. */
interface Kept {
  readonly messages: readonly JsonValue[];
  readonly metadata: Entries;
  readonly deadline: string;
  readonly history: readonly Past[];
}

/** By method: it is there again after a look at another one, for the id that a call needs. */
const kept = new Map<string, Kept>();

/** What is kept of a method, and what changes it. */
export function useKept(path: string, example: JsonValue) {
  const of = () => kept.get(path) ?? { messages: [example], metadata: [], deadline: '', history: [] };
  const [, show] = useState<Kept>();
  const keep = (change: (now: Kept) => Partial<Kept>) => {
    const now = { ...of(), ...change(of()) };
    kept.set(path, now);
    show(now);
  };
  return [of(), keep] as const;
}
