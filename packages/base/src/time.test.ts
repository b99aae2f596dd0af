import { expect, it } from '@jest/globals';
import { ManualClock } from './testing/manual-clock.js';
import { withTimeout } from './time.js';

it('work rejects with the reason of its signal, even if that aborted before', async () => {
  const signal = AbortSignal.abort(new Error('stopped'));
  const work = withTimeout(() => new Promise(() => undefined), { clock: new ManualClock(), signal });
  await expect(work).rejects.toThrow('stopped');
});
