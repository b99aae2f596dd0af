import { describe, expect, it } from '@jest/globals';
import { nameBasedUuid } from './projects.js';

describe('nameBasedUuid', () => {
  it('gives the same UUID of version 5 for the same name, and a different one for another name', () => {
    expect(nameBasedUuid('4f2a')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(nameBasedUuid('4f2a')).toBe(nameBasedUuid('4f2a'));
    expect(nameBasedUuid('4f2a')).not.toBe(nameBasedUuid('4f2b'));
  });

  it('never changes, as half-done acceptances rely on it', () => {
    expect(nameBasedUuid('4f2a')).toBe('a9bd99be-d410-5221-818f-a7ec77d105b5');
  });
});
