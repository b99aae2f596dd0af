import type { KeyedCall, RequestLog, SavedResponses } from '../domain/request-id.js';

/** How a keyed call is carried out and its response saved. */
interface Execution<T> {
  /** The id of the resource that the call makes or changes. */
  readonly id: string;
  readonly responses: SavedResponses<T>;
  readonly make: () => Promise<T>;
}

/**
 * Carries out a call once per key, inside the current transaction. A repetition gets the saved response of the first
 * call.
 *
 * @throws RequestIdReused
 */
export async function once<T>(
  requests: RequestLog,
  call: KeyedCall | undefined,
  { id, responses, make }: Execution<T>,
): Promise<T> {
  if (call === undefined) return make();
  if (!(await requests.claim(call, id))) return responses.savedResponse(call);
  const made = await make();
  await responses.saveResponse(call);
  return made;
}
