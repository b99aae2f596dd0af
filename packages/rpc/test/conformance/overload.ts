import { describe, expect, it } from '@jest/globals';
import { RetryInfo } from '@rondo/contracts/google/rpc/error_details';
import { Status } from '../../src/exports/status.js';
import { failure } from '../support/outcome.js';
import { deferred } from '../support/wait.js';
import type { Harness } from './environment.js';

export function describeOverload({ start }: Harness): void {
  describe('a call that a server refuses because of overload', () => {
    const path = '/rondo.conformance.v1.ConformanceService/UnaryUnsafe';
    const admission = { maxCalls: { methods: { [path]: 1 } } };

    it('fails with the time after which it may succeed, and its handler does not run', async () => {
      const begun = deferred();
      const end = deferred();
      let handled = 0;
      const unaryUnsafe = async () => {
        handled += 1;
        begun.resolve();
        await end.promise;
        return {};
      };
      const client = await start({ handlers: { unaryUnsafe }, admission });
      const first = client.unaryUnsafe({});
      await begun.promise;
      const error = await failure(client.unaryUnsafe({}));
      expect(error).toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
      expect(error.message).toContain(`at most 1 calls of ${path} at once`);
      expect(error.detail(RetryInfo)?.retryDelay?.nanos).toBe((error.retryPushbackMs ?? 0) * 1e6);
      expect(error.retryPushbackMs).toBeGreaterThanOrEqual(10);
      end.resolve();
      await first;
      await client.unaryUnsafe({});
      expect(handled).toBe(2);
    });
  });
}
