import type { Answers, RequestLog } from '../domain/ports.js';
import type { KeyedCall } from '../domain/request-id.js';

/** What makes something under an id, and keeps how it was then. */
export interface Maker<T> {
  readonly id: string;
  readonly answers: Answers<T>;
  readonly make: () => Promise<T>;
}

/**
 * Makes something once for a call's key: a repetition gets it as it was made. All of it in one transaction.
 *
 * @throws RequestIdReused
 */
export async function once<T>(
  requests: RequestLog,
  call: KeyedCall | undefined,
  { id, answers, make }: Maker<T>,
): Promise<T> {
  if (call === undefined) return make();
  if (!(await requests.claim(call, id))) return answers.firstAnswer(call);
  const made = await make();
  await answers.keepAnswer(call);
  return made;
}
