import { expect, it } from '@jest/globals';
import { findMisspellings } from './nearest.js';

const known = ['RONDO_LISTEN', 'RONDO_REGISTRY', 'RONDO_ZONE'];

it('finds what was probably meant', () => {
  const environment = { RONDO_REGISTERY: 'a:1', RONDO_LSITEN: 'b:2', RONDO_ZONE: 'eu/a' };
  expect(findMisspellings(environment, known)).toEqual([
    { name: 'RONDO_REGISTERY', meant: 'RONDO_REGISTRY' },
    { name: 'RONDO_LSITEN', meant: 'RONDO_LISTEN' },
  ]);
});

it('leaves alone what is meant for others', () => {
  expect(findMisspellings({ RONDO_REGISTRY_STORE: 'etcd://a', PATH: '/bin', LISTEN: 'x' }, known)).toEqual([]);
});
