import { expect, it } from '@jest/globals';
import { countRefused, SEED } from '../../../test/support/random-frames.js';

it(`many more frames that are broken end in a FrameError, whatever the bytes (seed ${SEED})`, () => {
  expect(countRefused(50_000)).toBeGreaterThan(5_000);
});
