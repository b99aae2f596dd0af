import { describe, expect, it } from '@jest/globals';
import { Status } from '../../src/exports/status.js';
import { collect } from '../support/stream.js';
import type { Harness } from './environment.js';

/** A broken stream resumes, if its contract has the fields for it. */
export function describeResume({ start }: Harness): void {
  describe('a stream that can be resumed', () => {
    it.each([Status.UNAVAILABLE, Status.ABORTED])('resumes after status %i: each reply once', async (code) => {
      const calls: string[] = [];
      const { follow } = await start({
        middleware: [
          (call, next) => {
            calls.push(call.method.name);
            return next(call);
          },
        ],
      });
      const replies = await collect(follow({ count: 7, breakAfter: 3, behaviour: { code } }));
      expect(replies.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(calls).toHaveLength(3);
    });
  });
}
