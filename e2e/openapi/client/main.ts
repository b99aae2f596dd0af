/** `node main.js URL`: calls services with the client that openapi-typescript makes of the gateway's document. */
import createClient from 'openapi-fetch';
import type { paths } from '../.generated/schema.js';

const [, , baseUrl = ''] = process.argv;
const { GET, POST, PATCH } = createClient<paths>({ baseUrl });

const sum = await POST('/add', { body: { a: 1, b: 2 } });
const result: number | undefined = sum.data?.result;

const created = await POST('/v1/projects', {
  params: { header: { 'Idempotency-Key': '7f1b6a1e-3f0e-4c5c-9f6a-0c6d1a3b5e77' } },
  body: { project: { title: 'Bridge', startDate: { year: 2026, month: 5, day: 4 } }, tasks: [{ title: 'Draw it' }] },
});
const [, project = ''] = created.data?.name?.split('/') ?? [];
const path = { project };

const patched = await PATCH('/v1/projects/{project}', {
  params: { path, header: { 'If-Match': created.data?.etag ?? '' } },
  body: { title: 'Long bridge' },
});
const stale = await PATCH('/v1/projects/{project}', {
  params: { path, header: { 'If-Match': created.data?.etag ?? '' } },
  body: { state: 'PROJECT_STATE_ACTIVE' },
});
const found = await GET('/v1/projects/{project}', { params: { path } });
const tasks = await GET('/v1/projects/{project}/tasks', { params: { path, query: { pageSize: 10 } } });
const estimate = await GET('/v1/projects/{project}:estimate', { params: { path } });

// The types refuse what the services would refuse.
// @ts-expect-error: a project needs a title
const untitled = await POST('/v1/projects', { body: { project: {} } });
// @ts-expect-error: there is no such state
const stateless = await PATCH('/v1/projects/{project}', { params: { path }, body: { state: 'BUILT' } });

const answers = {
  result,
  title: patched.data?.title,
  startDate: found.data?.startDate,
  etag: found.response.headers.get('etag') === found.data?.etag,
  tasks: tasks.data?.tasks?.map(({ title }) => title),
  taskCount: estimate.data?.taskCount,
  stale: [stale.response.status, stale.error?.code],
  untitled: [untitled.response.status, untitled.error?.message],
  stateless: stateless.response.status,
};
process.stdout.write(JSON.stringify(answers));
