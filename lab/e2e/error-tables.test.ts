import { expect, it } from '@jest/globals';
import { faultsOf } from '../../docs/api/errors/read.mjs';

const rowOf = (name: string, domain: string, sources: string) => ({
  table: 'busErrors',
  name,
  row: { domain },
  sources,
});
const full = rowOf('FULL', 'bus', "return busErrors[isFull ? 'FULL' : 'LATE']();");
const late = rowOf('LATE', 'bus', 'throw busErrors.LATE();');

it('refuses a row of a table of errors that nothing makes, and a reason that two rows of a domain have', () => {
  expect(faultsOf([full, late, { ...late, row: { domain: 'train' } }])).toEqual([]);
  const unused = rowOf('FULL', 'train', 'throw busErrors.FULLER(); throw otherErrors.FULL();');
  expect(faultsOf([unused])).toEqual(['nothing makes busErrors.FULL: delete the row']);
  expect(faultsOf([late, late])).toEqual(['two rows have the reason bus/LATE: rename one']);
});
