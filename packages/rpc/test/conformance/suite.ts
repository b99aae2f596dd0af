import { describe } from '@jest/globals';
import { describeBackPressure } from './back-pressure.js';
import { describeCancellation } from './cancellation.js';
import { describeContext } from './context.js';
import { describeDeadlines } from './deadlines.js';
import { createHarness, type MakeEnvironment } from './environment.js';
import { describeFaults } from './faults.js';
import { describeKinds } from './kinds.js';
import { describeMetadata } from './metadata.js';
import { describeOverload } from './overload.js';
import { describeRequestStreams } from './request-streams.js';
import { describeResume } from './resume.js';
import { describeRetries } from './retries.js';
import { describeSizes } from './sizes.js';
import { describeStatuses } from './statuses.js';
import { describeUnsendable } from './unsendable.js';
import { describeValidation } from './validation.js';

/**
 * The guarantees of a call, over every transport. Jest fails a test that leaves an unhandled rejection, so every case
 * also checks that there is none.
 */
export function describeConformance(name: string, makeEnvironment: MakeEnvironment): void {
  describe(`conformance over ${name}`, () => {
    const harness = createHarness(makeEnvironment);
    describeKinds(harness);
    describeStatuses(harness);
    describeMetadata(harness);
    describeUnsendable(harness);
    describeContext(harness);
    describeDeadlines(harness);
    describeCancellation(harness);
    describeRequestStreams(harness);
    describeFaults(harness);
    describeResume(harness);
    describeRetries(harness);
    describeOverload(harness);
    describeSizes(harness);
    describeBackPressure(harness);
    describeValidation(harness);
  });
}
