import { expect, it } from '@jest/globals';
import { asNeeded } from './database.js';
import { fail, ok } from './finding.js';

it('that PostgreSQL is missing is a fault if a service has a database', () => {
  const missing = fail('it is not installed', 'install it');
  const [storing, plain] = [{ database: 'shop' }, { database: undefined }];
  expect(asNeeded(missing, [plain, storing])).toBe(missing);
  expect(asNeeded(missing, [plain])).toEqual({ state: 'note', detail: 'no service has one; it is not installed' });
  expect(asNeeded(ok('18.4'), [plain])).toEqual(ok('18.4'));
});
