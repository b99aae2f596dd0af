/** More services than a gateway offers. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { contractFile } from './support/contracts.js';
import { instanceWith, startCatalogue, until } from './support/fleet.js';
import { closeAll } from './support/listening.js';

const BOOKS = 'books.v1.BooksService';
const PATH = `/${BOOKS}/Get`;

afterEach(closeAll);

describe('too many services', () => {
  it('leave room for one that was left out', async () => {
    const { fleet, catalogue, log } = startCatalogue({ maxServices: 1 });
    const other = contractFile({ service: 'b.v1.B' });
    fleet.add({ instanceId: 'a', address: await instanceWith(contractFile({ service: BOOKS })), services: [BOOKS] });
    fleet.add({ instanceId: 'b', address: await instanceWith(other), services: ['b.v1.B'] });
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.services.map(({ name }) => name)).toEqual([BOOKS]);
    expect(log.warnings).toEqual([expect.stringMatching(/no more than 1 services.*1 are left out, such as b\.v1\.B/)]);
    fleet.remove('a');
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.services).toMatchObject([
      { name: 'b.v1.B', instances: 1 },
      { name: BOOKS, instances: 0 },
    ]);
  });

  it('take no place of one that registered before them', async () => {
    const { fleet, catalogue } = startCatalogue({ maxServices: 2 });
    const books = { instanceId: 'a', address: await instanceWith(contractFile({ service: BOOKS })), services: [BOOKS] };
    fleet.add({ ...books, serviceTimesMs: { [BOOKS]: 1 } });
    await until(catalogue, () => catalogue.settled);
    fleet.remove('a');
    const names = ['1', '2', '3', '4', '5', '6'].map((index) => `a.v1.Flood${index}`);
    const flood = contractFile({ service: 'a.v1.Flood1' });
    for (const [index, instanceId] of ['f', 'g', 'h'].entries()) {
      const services = names.slice(2 * index, 2 * index + 2);
      fleet.add({ instanceId, address: await instanceWith(flood), services, registerTimeMs: 2 + index });
    }
    expect(catalogue.method(PATH)).toMatchObject({ reason: 'NONE_RUNNING' });
    fleet.add({ ...books, incarnation: 2, serviceTimesMs: { [BOOKS]: 1 } });
    await until(catalogue, () => catalogue.settled);
    expect(catalogue.services).toContainEqual(expect.objectContaining({ name: BOOKS, instances: 1 }));
    expect(catalogue.instancesOf('a.v1.Flood2')).toBe(0);
  });
});
