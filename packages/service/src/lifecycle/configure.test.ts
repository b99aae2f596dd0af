import { expect, it } from '@jest/globals';
import { ConfigurationError } from '../config/read.js';
import { integer } from '../config/parsers.js';
import { variable } from '../config/variable.js';
import { configure } from './configure.js';

const variables = { workers: variable('RONDO_WORKERS', integer({ min: 1 })) };

it('reads the shared variables and the own', () => {
  const { shared, own, misspellings } = configure(
    { port: 50053, variables },
    { RONDO_WORKERS: '4', RONDO_LISTN: 'a:1' },
  );
  expect(shared.listen).toEqual({ host: '127.0.0.1', port: 50053 });
  expect(own).toEqual({ workers: 4 });
  expect(misspellings).toEqual([{ name: 'RONDO_LISTN', meant: 'RONDO_LISTEN' }]);
});

it('lists misspellings with the faults, as one may be the cause of the other', () => {
  const needed = { workers: variable('RONDO_WORKERS', integer({ min: 1 })) };
  const read = () => configure({ port: 50053, variables: needed }, { RONDO_WORKER: '4' });
  expect(read).toThrow(/RONDO_WORKERS is not set.*\nRONDO_WORKER is not read: is RONDO_WORKERS meant\?$/);
});

it('lists the faults of both', () => {
  const read = () => configure({ port: 50053, variables }, { RONDO_LISTEN: 'nowhere', RONDO_WORKERS: '0' });
  expect(read).toThrow(ConfigurationError);
  expect(read).toThrow(/2 faults.*RONDO_LISTEN.*RONDO_WORKERS/s);
});
