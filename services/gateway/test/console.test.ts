import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Authenticator } from '@rondo/authentication';
import { silentLogger } from '@rondo/rpc/call';
import { createChannel, fixedEndpoint, staticResolver } from '@rondo/rpc/client';
import { systemClock, systemRandom } from '@rondo/rpc/clock';
import type { ResolverListener } from '@rondo/rpc/internal';
import { createState, readinessOf } from '@rondo/service/testing';
import { createApp } from '../src/app.js';
import { type GatewayConfig, variables } from '../src/config.js';
import { ask1, cleanUp, closeAll } from './support/listening.js';

afterEach(closeAll);

const descriptorSet = readFileSync(new URL('../../../packages/contracts/descriptors.binpb', import.meta.url));
const defaults = Object.fromEntries(Object.entries(variables).map(([name, one]) => [name, one.default]));
const anyPort = { host: '127.0.0.1', port: 0 };
const CALL = '/rondo.gateway.v1.ConsoleService';

/** Knows a principal by its token, which is its only scope. */
const authenticator: Authenticator = {
  authenticate: ({ authorization: [token = ''] }) =>
    Promise.resolve({ subject: 'ada', issuer: 'test', actors: [], scopes: [token.replace('Bearer ', '')] }),
  close: () => undefined,
};

/** Whether the registry's list is followed. */
let followers = 0;

function appWith(config: Partial<GatewayConfig>, given: { authenticator?: Authenticator } = {}) {
  const fixed = staticResolver([]);
  const resolve = (_: string, listener: ResolverListener) => {
    followers += 1;
    const endpoint = fixedEndpoint('127.0.0.1:1', { instanceId: 'a', services: ['shop.v1.CartService'] });
    listener.onResolution({ endpoints: [endpoint], departed: [] });
    return {
      close() {
        followers -= 1;
      },
    };
  };
  const channel = createChannel({ resolver: { ...fixed, resolve } });
  const context = {
    authenticator: given.authenticator,
    channel,
    clock: systemClock,
    random: systemRandom,
    descriptorSet,
    log: silentLogger,
    readiness: createState(readinessOf([])),
  };
  const app = createApp(context, { ...(defaults as unknown as GatewayConfig), listen: anyPort, ...config });
  cleanUp(() => channel.close());
  cleanUp(() => app.stop?.());
  return app;
}

/** The ports of a gateway: the public one, and the console's, if that has its own. */
async function start(config: Partial<GatewayConfig>, given: { authenticator?: Authenticator } = {}) {
  const ports: number[] = [];
  for (const listener of appWith(config, given).listeners ?? []) {
    const { address } = await listener.listen();
    cleanUp(() => listener.drain(0));
    ports.push(Number(address.split(':').pop()));
  }
  return ports;
}

const check = (port: number, headers: Record<string, string> = {}) =>
  ask1(port, {
    method: 'POST',
    path: `${CALL}/CheckAccess`,
    headers: { 'content-type': 'application/json', ...headers },
    body: '{}',
  });

const WATCH = { 'content-type': 'application/connect+json' };

/** Watches the fleet, or something else, until the first thing that it is told, and closes the stream. */
async function watch(port: number, headers: Record<string, string> = {}, method = 'WatchFleet'): Promise<string> {
  const gone = new AbortController();
  const { body } = await fetch(`http://127.0.0.1:${port}${CALL}/${method}`, {
    method: 'POST',
    headers: { ...WATCH, ...headers },
    body: '\0\0\0\0\u0002{}',
    signal: gone.signal,
  });
  const { value } = (await body?.getReader().read()) ?? {};
  gone.abort();
  return Buffer.from(value ?? []).toString();
}

describe('the console', () => {
  it('is nowhere unless it is asked for', async () => {
    const ports = await start({});
    expect(ports).toHaveLength(1);
    for (const port of ports) {
      expect((await ask1(port, { path: '/console' })).status).toBe(404);
      expect((await check(port)).status).toBe(404);
    }
  });

  it('is on its own port alone', async () => {
    const [open = 0, own = 0] = await start({
      console: { host: '127.0.0.1', port: 0 },
      listen: { host: 'localhost', port: 0 },
    });
    expect((await ask1(own, { path: '/console' })).status).toBe(200);
    expect(await check(own)).toMatchObject({ status: 200, body: '{}' });
    expect((await ask1(open, { path: '/console' })).status).toBe(404);
    expect((await check(open)).status).toBe(404);
  });

  it('is not beyond the loopback without credentials', () => {
    const config = { console: { host: '0.0.0.0', port: 8090 } };
    expect(() => appWith(config)).toThrow('RONDO_GATEWAY_CONSOLE=0.0.0.0:8090 is beyond the loopback');
    expect(() => appWith(config, { authenticator })).not.toThrow();
  });

  it('answers no page of another origin, also of one that may call the services', async () => {
    const [port = 0] = await start({ console: anyPort, corsOrigins: ['https://app.example.com', '*'] });
    for (const origin of ['https://app.example.com', 'null', 'http://127.0.0.1:1']) {
      for (const answer of [(await check(port, { origin })).body, await watch(port, { origin })]) {
        expect(answer).toContain('may not call this gateway');
      }
      expect((await ask1(port, { path: '/console', headers: { origin } })).status).toBe(403);
    }
    expect((await check(port, { origin: `http://127.0.0.1:${port}` })).status).toBe(200);
  });

  it('answers to no host that isn’t configured, even if any may call the services', async () => {
    const [port = 0] = await start({ console: anyPort, hosts: ['*'] });
    for (const host of ['evil.example.com', `evil.example.com:${port}`]) {
      expect((await ask1(port, { path: '/console', headers: { host } })).status).toBe(421);
      expect((await check(port, { host })).body).toContain('evil.example.com');
    }
  });

  it('needs the scope, where credentials are verified', async () => {
    const [port = 0] = await start({ console: anyPort }, { authenticator });
    expect((await check(port)).status).toBe(401);
    expect((await check(port, { authorization: 'Bearer sales.read' })).status).toBe(403);
    const methods = ['WatchFleet', 'WatchInstance', 'FindTrace', 'WatchTraces', 'WatchTransactions', 'ReadLogs'];
    for (const method of [...methods, 'WatchSettings'])
      expect(await watch(port, { authorization: 'Bearer sales.read' }, method)).toContain('permission_denied');
    expect(await check(port, { authorization: 'Bearer rondo.operator' })).toMatchObject({ body: '{"subject":"ada"}' });
  });

  it('says so if there is no registry to ask', async () => {
    const [port = 0] = await start({ console: anyPort });
    const cordon = { method: 'POST', path: `${CALL}/SetCordon`, body: '{"instanceId":"a","cordoned":true}' };
    const { body } = await ask1(port, { ...cordon, headers: { 'content-type': 'application/json' } });
    for (const answer of [body, await watch(port, {}, 'WatchSettings')])
      expect(answer).toMatch(/failed_precondition.*no registry of Rondo's.*the tools of the registry that it has/);
  });

  it('leaves no stream behind when its tabs are closed', async () => {
    const [port = 0] = await start({ console: anyPort });
    const before = followers;
    for (let tabs = 0; tabs < 100; tabs += 1) expect(await watch(port)).toContain('"instanceId":"a"');
    for (let turns = 0; turns < 10_000 && followers > before; turns += 1) await new Promise(setImmediate);
    expect(followers).toBe(before);
  });
});
