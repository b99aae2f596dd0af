import { expect, it } from '@jest/globals';
import { countRefused, SEED } from '../../../test/support/random-frames.js';

it(`a million frames that are broken end in a FrameError, whatever the bytes (seed ${SEED})`, () => {
  // Each is read as each of five kinds.
  expect(countRefused(200_000)).toBeGreaterThan(20_000);
});
