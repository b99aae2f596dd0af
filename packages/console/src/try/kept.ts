import type { JsonValue } from '@bufbuild/protobuf';
import { useState } from 'preact/hooks';

/** What a person has filled in. */
interface Kept {
  readonly messages: readonly JsonValue[];
  /** A name and a value a line. */
  readonly metadata: string;
  readonly deadline: string;
}

/** By method: it is there again after a look at another one, for the id that a call needs. */
const kept = new Map<string, Kept>();

/** What is kept of a method, and what changes it. */
export function useKept(path: string, example: JsonValue) {
  const [, show] = useState<Kept>();
  const now = kept.get(path) ?? { messages: [example], metadata: '', deadline: '' };
  const keep = (change: Partial<Kept>) => {
    kept.set(path, { ...now, ...kept.get(path), ...change });
    show(kept.get(path));
  };
  return [now, keep] as const;
}
