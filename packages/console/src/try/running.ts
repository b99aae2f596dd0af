import type { JsonValue } from '@bufbuild/protobuf';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Call, type CallError, call, type Entries } from '../calls/connect.js';

/** What is known of a call. */
export interface Answer {
  readonly messages: readonly JsonValue[];
  /** How many messages came: of many, only the last are kept. */
  readonly count: number;
  readonly header: Entries;
  readonly trailer: Entries;
  readonly error: CallError | undefined;
  readonly isOver: boolean;
  /** From the request to the last event. */
  readonly tookMs: number;
}

const NOTHING: Answer = {
  messages: [],
  count: 0,
  header: [],
  trailer: [],
  error: undefined,
  isOver: false,
  tookMs: 0,
};
const MAX_KEPT = 500;

/** Makes one call at a time. It is cancelled when its page is left. */
export function useCall() {
  const [answer, setAnswer] = useState<Answer | undefined>();
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const start = async (given: Omit<Call, 'signal'>): Promise<void> => {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    const startedAt = performance.now();
    let now = NOTHING;
    const show = (change: Partial<Answer>) => {
      now = { ...now, ...change, tookMs: performance.now() - startedAt };
      if (running.current === own) setAnswer(now);
    };
    show({});
    for await (const event of call({ ...given, signal: own.signal })) {
      if (event.kind === 'header') show({ header: event.entries });
      else if (event.kind === 'end') show({ error: event.error, trailer: event.trailer, isOver: true });
      else show({ messages: [...now.messages, event.value].slice(-MAX_KEPT), count: now.count + 1 });
    }
  };
  return { answer, start, cancel: () => running.current?.abort() };
}
