import { expect, it } from '@jest/globals';
import { faultsOf } from '../scripts/api/errors/read.mjs';

const rowOf = (name: string, domain: string | undefined, sources: string) => {
  return { table: 'busErrors', name, row: { domain }, sources };
};

it('refuses a row of a table of errors that nothing makes, and a reason that two rows of a domain have', () => {
  expect(
    faultsOf([
      rowOf('FULL', 'bus', 'throw busErrors.FULL();'),
      rowOf('LATE', undefined, "return busErrors[late ? 'LATE' : 'FULL']();"),
    ]),
  ).toEqual([]);
  expect(
    faultsOf([
      rowOf('FULL', 'bus', 'throw busErrors.FULLER(); throw otherErrors.FULL();'),
      rowOf('LATE', 'bus', 'throw busErrors.LATE();'),
      rowOf('LATE', 'bus', 'throw busErrors.LATE();'),
      rowOf('LATE', 'train', 'throw busErrors.LATE();'),
    ]),
  ).toEqual(['nothing makes busErrors.FULL: delete the row', 'two rows have the reason bus/LATE: rename one']);
});
