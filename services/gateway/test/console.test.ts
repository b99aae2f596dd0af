import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import { SettingsServiceDefinition } from '@rondo/contracts/rondo/registry/v1/settings';
import { silentLogger } from '@rondo/rpc/call';
import { createChannel, type Endpoint, fixedEndpoint, staticResolver } from '@rondo/rpc/client';
import { systemClock, systemRandom, systemWallClock } from '@rondo/rpc/clock';
import { checkSetting, type ResolverListener } from '@rondo/rpc/internal';
import { createRouter, joinParts, serve } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { standIn, stopParts } from '@rondo/rpc/testing';
import type { Authenticator } from '@rondo/service';
import { createState, readinessOf } from '@rondo/service/testing';
import { createApp } from '../src/app.js';
import { type GatewayConfig, variables } from '../src/config.js';
import { ask1, cleanUp, closeAll } from './support/listening.js';

afterEach(closeAll);

const descriptorSet = readFileSync(new URL('../../../packages/contracts/descriptors.binpb', import.meta.url));
const defaults = Object.fromEntries(Object.entries(variables).map(([name, one]) => [name, one.default]));
const anyPort = { host: '127.0.0.1', port: 0 };
const CALL = '/rondo.gateway.v1.ConsoleService';
const SECURITY = new URL('../../../SECURITY.md', import.meta.url);
const methods = Object.values(ConsoleServiceDefinition.methods);
const [CARTS, ORDERS] = ['shop.v1.CartService', 'shop.v1.OrderService'] as const;

/** Knows a principal by its token, which is its only scope. */
const authenticator: Authenticator = {
  authenticate: ({ authorization: [token = ''] }) =>
    Promise.resolve({ subject: 'ada', issuer: 'test', actors: [], scopes: [token.replace('Bearer ', '')] }),
  close: () => undefined,
};

/** Whether the registry's list is followed. */
let followers = 0;
interface Given {
  readonly authenticator?: Authenticator;
  readonly registry?: readonly string[];
  /** The ids of the instances that are listed. */
  readonly listed?: readonly string[];
  readonly at?: Pick<Endpoint, 'address' | 'secure'>;
}

function appWith(
  config: Partial<GatewayConfig>,
  { listed = ['a'], at = { address: '127.0.0.1:1' }, ...given }: Given = {},
) {
  const fixed = staticResolver([]);
  const resolve = (_: string, listener: ResolverListener) => {
    followers += 1;
    const endpoints = listed.map((instanceId) =>
      fixedEndpoint(at.address, { ...at, instanceId, services: [CARTS, ORDERS] }),
    );
    listener.onResolution({ endpoints, departed: [] });
    return {
      close() {
        followers -= 1;
      },
    };
  };
  const channel = createChannel({ resolver: { ...fixed, resolve } });
  const context = {
    authenticator: undefined,
    instanceId: 'gateway-1',
    ...given,
    channel,
    clock: systemClock,
    wallClock: systemWallClock,
    random: systemRandom,
    descriptorSet,
    log: silentLogger,
    readiness: createState(readinessOf([])),
  };
  const app = createApp(context, { ...(defaults as unknown as GatewayConfig), listen: anyPort, ...config });
  cleanUp(() => channel.close());
  cleanUp(() => stopParts(app));
  return joinParts(app.parts ?? []);
}

/** The ports of a gateway: the public one, and the console's, if that has its own. */
async function start(config: Partial<GatewayConfig>, given: Given = {}) {
  const ports: number[] = [];
  for (const listener of appWith(config, given).listeners) {
    const { address } = await listener.listen();
    cleanUp(() => listener.drain(0));
    ports.push(Number(address.split(':').pop()));
  }
  return ports;
}

const post = (port: number, method: string, { headers = {}, request = {} }: Posted = {}) =>
  ask1(port, {
    method: 'POST',
    path: `${CALL}/${method}`,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(request),
  });

interface Posted {
  readonly headers?: Record<string, string>;
  readonly request?: object;
}

const check = (port: number, headers: Record<string, string> = {}) => post(port, 'CheckAccess', { headers });

const WATCH = { 'content-type': 'application/connect+json' };

/** Watches the fleet, or something else, until the first event, and closes the stream. */
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
    // The public port tells where it listens: RONDO_AUTH must be set beyond the loopback.
    const listen = { host: '0.0.0.0', port: 8080 };
    expect(appWith({ listen }).listeners).toEqual([expect.objectContaining({ at: listen })]);
  });

  it('answers no page of another origin, also of one that may call the services', async () => {
    const [port = 0] = await start({ console: anyPort, corsOrigins: ['https://app.example.com', '*'] });
    for (const origin of ['https://app.example.com', 'null', 'http://127.0.0.1:1', `https://127.0.0.1:${port}`]) {
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
    const ask = async ({ name, responseStream }: (typeof methods)[number], headers: Record<string, string>) =>
      responseStream ? watch(port, headers, name) : (await post(port, name, { headers })).body;
    for (const method of methods) {
      expect([method.name, await ask(method, {})]).toEqual([method.name, expect.stringContaining('unauthenticated')]);
      const refused = await ask(method, { authorization: 'Bearer sales.read' });
      expect([method.name, refused]).toEqual([method.name, expect.stringContaining('permission_denied')]);
    }
    expect(await check(port, { authorization: 'Bearer rondo.operator' })).toMatchObject({ body: '{"subject":"ada"}' });
  });

  it('needs no credentials, where none are verified, for what SECURITY.md lists', () => {
    const [, listed = ''] = /The console on the loopback([\s\S]*?)\n- /.exec(readFileSync(SECURITY, 'utf8')) ?? [];
    const named = [...listed.matchAll(/`([A-Z][a-z]+[A-Z]\w+)`/g)].map(([, name]) => name);
    expect(['CheckAccess', ...named].sort()).toEqual(methods.map(({ name }) => name).sort());
  });

  it('says so if there is no registry to ask', async () => {
    const [port = 0] = await start({ console: anyPort });
    const cordon = await post(port, 'SetCordon', { request: { instanceId: 'a', cordoned: true } });
    const weight = await post(port, 'SetWeight', { request: { instanceId: 'a', weight: 7 } });
    for (const answer of [cordon.body, weight.body, await watch(port, {}, 'WatchSettings')])
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

/** A registry that has these settings `weights`, and before each change makes the next of `others`. */
async function startSettings(kept: Map<string, string>, others: (() => void)[] = []) {
  const take = (service = '') => {
    others.shift()?.();
    return kept.get(service);
  };
  const settings = standIn(SettingsServiceDefinition, {
    listSettings: () => ({ settings: [...kept].map(([service, value]) => ({ service, key: 'weights', value })) }),
    updateSetting({ setting }) {
      const { service = '', key = '', value = '', author = '' } = setting ?? {};
      const fault = author.length > 128 ? 'the author is too long' : checkSetting(key, value)?.description;
      if (fault !== undefined) throw new RpcError(Status.INVALID_ARGUMENT, fault);
      const oldValue = take(service) ?? '';
      kept.set(service, value);
      return { oldValue };
    },
    deleteSetting({ service }) {
      const oldValue = take(service) ?? '';
      if (!kept.delete(service)) throw new RpcError(Status.NOT_FOUND, 'there is no such setting');
      return { oldValue };
    },
  });
  const server = await serve(createRouter({ services: [settings] }), { listen: '127.0.0.1:0' });
  cleanUp(() => server.drain(0));
  return [server.address];
}

describe('the weight of an instance', () => {
  async function setWeight(
    kept: Map<string, string>,
    request: object,
    given: Given & { others?: (() => void)[] } = {},
  ) {
    const registry = await startSettings(kept, given.others);
    const [port = 0] = await start({ console: anyPort }, { listed: ['a', 'b@shop'], ...given, registry });
    return (await post(port, 'SetWeight', { request, headers: { authorization: 'Bearer rondo.operator' } })).body;
  }

  it('is set, changed and taken back in the setting of its first service, or of the one that names it', async () => {
    const kept = new Map<string, string>([[ORDERS, 'b@shop=5']]);
    const registry = await startSettings(kept);
    const [port = 0] = await start({ console: anyPort }, { listed: ['a', 'b@shop'], registry });
    const seen: unknown[] = [];
    for (const [instanceId, weight] of [
      ['a', 7],
      ['b@shop', 6],
      ['a', 8],
      ['a', 0],
      ['a', 0],
      ['b@shop', 0],
    ] as const) {
      expect((await post(port, 'SetWeight', { request: { instanceId, weight } })).body).toBe('{}');
      seen.push(Object.fromEntries(kept));
    }
    expect(seen).toEqual([
      { [CARTS]: 'a=7', [ORDERS]: 'b@shop=5' },
      { [CARTS]: 'a=7', [ORDERS]: 'b@shop=6' },
      { [CARTS]: 'a=8', [ORDERS]: 'b@shop=6' },
      { [ORDERS]: 'b@shop=6' },
      { [ORDERS]: 'b@shop=6' },
      {},
    ]);
  });

  it('stays for an instance that is away, such as one that starts again, as long as there is room', async () => {
    const kept = new Map<string, string>([[CARTS, 'away=5']]);
    expect(await setWeight(kept, { instanceId: 'a', weight: 7 })).toBe('{}');
    expect(kept.get(CARTS)).toBe('away=5&a=7');
    const long = Array.from({ length: 13 }, (_, index) => `${'x'.repeat(80)}${index}=5`).join('&');
    kept.set(CARTS, `${long}&b@shop=6`);
    expect(await setWeight(kept, { instanceId: 'a', weight: 7 })).toBe('{}');
    expect(kept.get(CARTS)).toBe('b@shop=6&a=7');
  });

  it('is added to what other operators change at the same time', async () => {
    const kept = new Map<string, string>();
    const others = [() => void kept.set(CARTS, 'b@shop=6')];
    expect(await setWeight(kept, { instanceId: 'a', weight: 7 }, { others })).toBe('{}');
    expect(kept.get(CARTS)).toBe('b@shop=6&a=7');
  });

  it('is set by a person with a long name', async () => {
    const kept = new Map<string, string>();
    const principal = { subject: 'x'.repeat(200), issuer: 'test', actors: [], scopes: ['rondo.operator'] };
    const long = { ...authenticator, authenticate: () => Promise.resolve(principal) };
    expect(await setWeight(kept, { instanceId: 'a', weight: 7 }, { authenticator: long })).toBe('{}');
  });

  it.each([
    [{ instanceId: 'a', weight: -1 }, /failed_precondition.*registry refuses.*from 1 to 1000/],
    [{ instanceId: 'a', weight: 1_001 }, /failed_precondition.*registry refuses.*from 1 to 1000/],
    [{ instanceId: 'a', weight: 2 ** 31 - 1 }, /failed_precondition.*registry refuses.*from 1 to 1000/],
    [{ instanceId: 'a=5&b', weight: 7 }, /not_found.*no instance/],
    [{ instanceId: '', weight: 7 }, /not_found.*no instance/],
  ])('is refused with the reason: %j', async (request, reason) => {
    const kept = new Map<string, string>([[CARTS, 'b@shop=6']]);
    expect(await setWeight(kept, request)).toMatch(reason);
    expect([...kept]).toEqual([[CARTS, 'b@shop=6']]);
  });
});

describe('a restart', () => {
  /** A launcher that answers by `serve`. Gives the file that names it, and what it was asked. */
  async function startLauncher(answer: (socket: Socket) => void) {
    const folder = mkdtempSync(join(tmpdir(), 'rondo-console-'));
    cleanUp(() => rmSync(folder, { recursive: true }));
    const asked: unknown[] = [];
    const sockets = new Set<Socket>();
    const server = createServer((connection) => {
      sockets.add(connection.on('error', () => undefined));
      connection.once('data', (line) => {
        asked.push(JSON.parse(String(line)));
        answer(connection);
      });
    });
    const socket = join(folder, 'launcher.sock');
    await once(server.listen(socket), 'listening');
    cleanUp(() => {
      for (const one of sockets) one.destroy();
      server.close();
    });
    const launcher = join(folder, 'launcher.json');
    writeFileSync(launcher, JSON.stringify({ socket }));
    return { launcher, asked };
  }

  const restart = async (
    launcher: string | undefined,
    instanceId = 'a',
    { headers = {}, ...given }: Given & Posted = {},
  ) => {
    const [port = 0] = await start({ console: anyPort, launcher }, { listed: ['a', 'gateway-1'], ...given });
    return (await post(port, 'RestartInstance', { request: { instanceId }, headers })).body;
  };

  it('is of a registered instance, and waits for the launcher', async () => {
    const { launcher, asked } = await startLauncher((socket) => {
      socket.write('{"event":"log","line":"a starts"}\n');
      socket.end('{"event":"done","rows":[]}\n');
    });
    expect(await restart(launcher)).toBe('{}');
    expect(asked).toEqual([{ command: 'restart', name: 'a' }]);
  });

  it.each(['postgres', 'registry', 'shop', ''])('is of nothing else that the launcher restarts: "%s"', async (name) => {
    const { launcher, asked } = await startLauncher((socket) => socket.end('{"event":"done","rows":[]}\n'));
    expect(await restart(launcher, name)).toMatch(/not_found.*no instance/);
    expect(asked).toEqual([]);
  });

  it('is not of the gateway that is asked, and not without a launcher', async () => {
    const { launcher, asked } = await startLauncher((socket) => socket.end('{"event":"done","rows":[]}\n'));
    expect(await restart(launcher, 'gateway-1')).toMatch(/failed_precondition.*not restarted here/);
    expect(await restart(undefined)).toMatch(/failed_precondition.*not restarted here/);
    expect(asked).toEqual([]);
  });

  it('needs credentials if instances have certificates, as everything does that operators change', async () => {
    const { launcher, asked } = await startLauncher((socket) => socket.end('{"event":"done","rows":[]}\n'));
    const at = { address: '127.0.0.1:1', secure: true };
    expect(await restart(launcher, 'a', { at })).toMatch(/failed_precondition.*not restarted here/);
    expect(asked).toEqual([]);
    const headers = { authorization: 'Bearer rondo.operator' };
    expect(await restart(launcher, 'a', { headers, authenticator, at })).toBe('{}');
  });

  it.each([
    ['says why not', '{"event":"failed","message":"a has ended (exit code 1)"}\n', /failed_precondition.*exit code 1/],
    ['stops meanwhile', '{"event":"log","line":"a starts"}\n', /failed_precondition.*has stopped/],
    ['answers with something else', 'HTTP/1.1 400 Bad Request\n', /failed_precondition.*gives no answer/],
  ])('fails with a reason if the launcher %s', async (_, answer, reason) => {
    const { launcher } = await startLauncher((socket) => socket.end(answer));
    expect(await restart(launcher)).toMatch(reason);
  });

  it('fails with a reason if the launcher is gone', async () => {
    const { launcher } = await startLauncher(() => undefined);
    for (const left of [JSON.stringify({ socket: `${launcher}.sock` }), '{"pid": 1', '{}', 'null']) {
      writeFileSync(launcher, left);
      expect(await restart(launcher)).toMatch(/failed_precondition.*gives no answer/);
    }
    rmSync(launcher);
    expect(await restart(launcher)).toMatch(/failed_precondition.*gives no answer/);
  });

  it('ends with its deadline if the launcher hangs', async () => {
    const { launcher } = await startLauncher(() => undefined);
    expect(await restart(launcher, 'a', { headers: { 'connect-timeout-ms': '200' } })).toMatch(/deadline_exceeded/);
  });
});
