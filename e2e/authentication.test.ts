/** `npm start -- --auth`: what a person or program outside of the system may do, by its token or API key. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { eventually, type System, startSystem } from '@rondo/harness';
import { ask, askJson } from './src/front-door.js';

let system: System;
let products: string;

beforeAll(async () => {
  system = await startSystem({ auth: true });
  products = `http://${system.address(20)}/v1/products`;
});
afterAll(async () => {
  await system.stop();
  system.remove();
});

const run = async (...args: readonly string[]) => (await system.rondo(...args, '--data', system.data)).stdout.trim();
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

it('a token lets its subject do what its scopes say, and no more', async () => {
  const [reader, stranger] = await Promise.all([
    run('token', '--as', 'ada', '--scopes', 'sales.read'),
    run('token', '--as', 'ada', '--scopes', 'projects.read'),
  ]);
  expect((await ask(products, { headers: bearer(reader) })).status).toBe(200);
  const lacking = await ask(products, { headers: bearer(stranger) });
  expect([lacking.status, lacking.headers.get('www-authenticate')]).toEqual([
    403,
    'Bearer realm="rondo", error="insufficient_scope", scope="sales.read"',
  ]);
  const missing = await ask(products);
  expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="rondo"']);
  expect((await ask(products, { headers: bearer(`${reader}x`) })).status).toBe(401);
});

it('a cancelled order releases its project, which its salesperson may not see', async () => {
  const gateway = `http://${system.address(20)}/v1`;
  const scopes = 'sales.read,sales.write,projects.read,projects.write';
  const [seller, admin] = await Promise.all([
    run('token', '--as', 'ada', '--scopes', scopes),
    run('token', '--as', 'root', '--scopes', `${scopes},sales.admin,projects.admin`),
  ]);
  const post = async (path: string, body: unknown, token = seller) => {
    const { status, text, json } = await askJson(`${gateway}/${path}`, body, { headers: bearer(token) });
    expect([status, text]).toEqual([200, text]);
    return json() as { readonly name: string; readonly order: { readonly name: string; readonly project: string } };
  };
  const member = { displayName: 'Bo', email: 'bo@example.com', weeklyCapacityMinutes: '2400', team: 'red' };
  await post('members', member, admin);
  const unitPrice = { currencyCode: 'EUR', units: '10' };
  const product = await post(
    'products',
    { title: 'P', sku: 'P-1', unitPrice, stock: '5', deliveryEffortMinutes: '60' },
    admin,
  );
  const customer = await post('customers', { displayName: 'C', email: 'c@example.com' });
  const quote = await post('quotes', {
    customer: customer.name,
    lines: [{ product: product.name, quantity: '1' }],
  });
  const { order } = await post(`${quote.name}:accept`, {});
  const state = async () => (await ask(`${gateway}/${order.project}`, { headers: bearer(admin) })).json();
  expect(await state()).toMatchObject({ state: 'PROJECT_STATE_PLANNED' });
  await post(`${order.name}:cancel`, {});
  await eventually(async () => expect(await state()).toMatchObject({ state: 'PROJECT_STATE_ARCHIVED' }));
});

it('an API key is accepted while the system runs, and refused once it is revoked', async () => {
  const { key, id } = JSON.parse(await run('keys', 'create', '--as', 'ci', '--scopes', 'sales.read', '--json'));
  const status = async () => (await ask(products, { headers: { 'x-api-key': key } })).status;
  await eventually(async () => expect(await status()).toBe(200));
  await run('keys', 'revoke', id);
  await eventually(async () => expect(await status()).toBe(401));
});
