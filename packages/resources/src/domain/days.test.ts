import { expect, it } from '@jest/globals';
import { dateAt } from './days.js';

it('a day is that of UTC', () => {
  expect(dateAt(new Date('2026-11-20T23:59:59.999Z'))).toBe('2026-11-20');
});
