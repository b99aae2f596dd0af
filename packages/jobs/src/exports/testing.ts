/**
 * Tests of workflows: a run without a database or a server, whose time a test controls.
 *
 * ```ts
 * import { testRun } from '@rondo/jobs/testing';
 * import { ManualClock } from '@rondo/rpc/testing';
 *
 * const clock = new ManualClock();
 * const run = testRun(onboarding, { person: 'ada' }, { clock, channel });
 * await run.idle(); // it sleeps
 * await clock.advance(days(2));
 * run.crash(); // goes on from what is recorded
 * await run.idle();
 * run.signal('approval', Approval, { by: 'bo' });
 * await clock.advance(days(1));
 * expect(await run.outcome).toMatchObject({ account: 'accounts/ada' });
 * ```
 */

export { type TestRun, testRun } from '../runs/test-run.js';
