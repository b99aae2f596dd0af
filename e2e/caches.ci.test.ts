/**
 * `npm start -- --auth`: answers are kept as without it, and each for its own principal. Two processes of the test join the
 * system: one tells on whose behalf it is called, the other keeps its answers.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { SecuredServiceDefinition } from '@rondo/contracts/rondo/conformance/auth/v1/secured';
import { eventually, root, type System, startSystem } from '@rondo/harness';
import { callPrincipal, type Principal, type ServerCall, silentLogger } from '@rondo/rpc/call';
import { type Client, createClient } from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { RpcError } from '@rondo/rpc/status';
import { seededRandom } from '@rondo/rpc/testing';
import { type App, type RunningService, type ServiceContext, startService } from '@rondo/service';
import { ask, askJson } from './src/front-door.js';

/** The mixed calls of each test. */
const CALLS = 400;
const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;

const { read, follow } = SecuredServiceDefinition.methods;
/** The methods that need no store for outcomes. */
const Secured = { ...SecuredServiceDefinition, methods: { read, follow } } as const;

const random = seededRandom(jest.getSeed());
const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;

let system: System;
const running: RunningService[] = [];

beforeAll(async () => {
  system = await startSystem({ auth: true });
});
afterAll(async () => {
  await Promise.all(running.map((service) => service.drain()));
  await system.stop();
  system.remove();
});

/** Starts a process of the system within this one, by the certificate of another process. */
async function startAs(certificate: string, name: string, createApp: (context: ServiceContext) => App): Promise<void> {
  const environment = {
    RONDO_REGISTRY: system.registry,
    RONDO_INSTANCE_ID: name,
    RONDO_LISTEN: '127.0.0.1:0',
    RONDO_DRAIN_WAIT_MS: '0',
    RONDO_TLS: 'on',
    RONDO_TLS_DIR: join(system.data, 'certs', certificate),
    RONDO_AUTH: 'on',
    RONDO_DESCRIPTORS: join(root, 'packages/contracts/descriptors.binpb'),
  };
  running.push(await startService({ name, port: 0, environment, log: silentLogger, createApp }));
}

/** A service that says whom it answers, and a client in another process that keeps the answers. */
async function startSecured() {
  let made = 0;
  const watchers = new Set<(name: string) => void>();
  async function* follow(_: unknown, { signal }: ServerCall) {
    const names = [''];
    let wake: () => void = () => undefined;
    const watcher = (name: string) => {
      names.push(name);
      wake();
    };
    signal.addEventListener('abort', () => wake());
    watchers.add(watcher);
    while (!signal.aborted) {
      for (const subject of names.splice(0)) yield { subject };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    watchers.delete(watcher);
  }
  const read = ({ name }: { name: string }, { values }: ServerCall) => {
    made += 1;
    const { subject = '', scopes = [] } = values.get(callPrincipal) ?? {};
    return { subject, issuer: name, scopes: [...scopes] };
  };
  await startAs('sales', 'secured', () => ({ services: [implement(Secured, { read, follow })] }));
  let client: Client<typeof Secured> | undefined;
  await startAs('calculator', 'front', ({ channel }) => {
    client = createClient(Secured, { channel });
    return { services: [] };
  });
  if (client === undefined) throw new Error('no client');
  return { client, watchers, made: () => made };
}

it('a process keeps one answer for each principal that may read, until the feed tells a change', async () => {
  const { client, watchers, made } = await startSecured();
  const scopes = ['secured.read'];
  const ada: Principal = { subject: 'ada', issuer: 'https://login.example.com', scopes, actors: [] };
  const readers = [ada, { ...ada, subject: 'bob' }, { ...ada, scopes: ['secured.read', 'secured.write'] }];
  const others = [undefined, { ...ada, scopes: [] }, { ...ada, subject: 'front', scopes: ['secured.write'] }];
  const read = async (principal: Principal | undefined, name: string) => {
    try {
      const answer = await client.read({ name }, { principal });
      return [answer.subject, answer.issuer, ...answer.scopes].join(' ');
    } catch (error) {
      if (error instanceof RpcError) return error.codeName;
      throw error;
    }
  };
  const crossed: string[] = [];
  const check = async () => {
    const principal = oneOf([...readers, ...others]);
    const name = oneOf(NAMES);
    const refusal = principal === undefined ? 'UNAUTHENTICATED' : 'PERMISSION_DENIED';
    const right = readers.some((one) => one === principal);
    const expected = right ? [principal?.subject, name, ...(principal?.scopes ?? [])].join(' ') : refusal;
    const answer = await read(principal, name);
    if (answer !== expected) crossed.push(`${answer} for ${expected}`);
  };
  // The first call opens the feed, and answers are kept from its first message on.
  await eventually(async () => {
    await read(ada, 'first');
    expect(watchers.size).toBe(1);
    const before = made();
    await read(ada, 'first');
    expect(made()).toBe(before);
  });
  const before = made();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let call = 0; call < CALLS / 8; call += 1) await check();
    }),
  );
  for (const name of NAMES) for (const reader of readers) await read(reader, name);
  expect(crossed).toEqual([]);
  expect(made() - before).toBe(readers.length * NAMES.length);
  for (const tell of watchers) tell('a');
  await eventually(async () => {
    const known = made();
    await read(ada, 'a');
    expect(made()).toBe(known + 1);
  });
  const changed = made();
  for (const name of NAMES) for (const reader of readers) await read(reader, name);
  expect(made() - changed).toBe(readers.length - 1);
});

it('a gateway gives no caller what another may see', async () => {
  const gateway = `http://${system.address(20)}/v1`;
  const tokenOf = async (as: string, scopes: string) => {
    const { stdout } = await system.rondo('token', '--as', as, '--scopes', scopes, '--data', system.data);
    return { authorization: `Bearer ${stdout.trim()}` };
  };
  const rights = 'sales.read,sales.write';
  const [ada, bob, stranger] = await Promise.all([
    tokenOf('ada', rights),
    tokenOf('bob', rights),
    tokenOf('ada', 'projects.read'),
  ]);
  const unitPrice = { currencyCode: 'EUR', units: '10' };
  const product = { title: 'P', sku: 'P-1', unitPrice, stock: '5', deliveryEffortMinutes: '60' };
  const { name } = (await askJson(`${gateway}/products`, product, { headers: ada })).json() as { name: string };
  for (const [headers, displayName] of [
    [ada, 'of ada'],
    [bob, 'of bob'],
  ] as const) {
    const customer = { displayName, email: `${displayName.replace(' ', '.')}@example.com` };
    expect((await askJson(`${gateway}/customers`, customer, { headers })).status).toBe(200);
  }
  const callers = [
    { who: 'ada', headers: ada, status: 200 },
    { who: 'bob', headers: bob, status: 200 },
    { who: 'a stranger', headers: stranger, status: 403 },
    { who: 'no one', headers: {}, status: 401 },
    { who: 'a forger', headers: { authorization: `${ada.authorization}x` }, status: 401 },
  ] as const;
  const crossed: string[] = [];
  const check = async () => {
    const { who, headers, status } = oneOf(callers);
    const path = oneOf([name, 'products', 'customers']);
    const answer = await ask(`${gateway}/${path}`, { headers });
    const seen = ['of ada', 'of bob'].filter((customer) => answer.text.includes(customer)).join();
    const expected = path === 'customers' && status === 200 ? `of ${who}` : '';
    if (answer.status !== status || seen !== expected) crossed.push(`${who}: ${path} is ${answer.status} ${seen}`);
  };
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let call = 0; call < CALLS / 8; call += 1) await check();
    }),
  );
  expect(crossed).toEqual([]);
});
