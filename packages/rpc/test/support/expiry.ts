import { expect } from '@jest/globals';
import { Status } from '../../src/status/index.js';
import { failure } from './outcome.js';

const FIRST_MS = 100;

/**
 * Lets a call run into its deadline until that was seen to do what it should. A busy machine may let the deadline pass
 * before the call comes to its handler, or its caller's reset overtake it: then it is made again with twice the time.
 */
export async function expire(
  call: (timeoutMs: number) => Promise<unknown>,
  seen: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let timeoutMs = FIRST_MS; ; timeoutMs *= 2) {
    expect(await failure(call(timeoutMs))).toMatchObject({ code: Status.DEADLINE_EXCEEDED });
    if (await seen()) return;
  }
}
