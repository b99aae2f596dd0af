import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { trimRequests } from '@rondo/resources/sql';
import { REQUESTS } from '../src/adapters/request-log.js';
import { type Company, startCompany } from './company.js';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company.stop());

it('request ids are removed after a month, by several replicas at once as by one', async () => {
  const { database, projects } = company;
  const request = { project: { title: 'Kept' }, requestId: randomUUID() };
  const first = await projects.createProject(request);
  const age = (days: number, count: number) =>
    database.query(
      `INSERT INTO create_requests (collection, request_id, fingerprint, outcome, create_time)
       SELECT 'tasks', gen_random_uuid(), sha256('x'), '[]', now() - $1 * interval '1 day' FROM generate_series(1, $2)`,
      [days, count],
    );
  await age(30, 3);
  await age(32, 1_500);
  await Promise.all([trimRequests(database, REQUESTS), trimRequests(database, REQUESTS)]);
  await trimRequests(database, REQUESTS);
  expect(await database.query("SELECT 1 FROM create_requests WHERE collection = 'tasks'")).toHaveLength(3);
  expect(await projects.createProject(request)).toEqual(first);
});
