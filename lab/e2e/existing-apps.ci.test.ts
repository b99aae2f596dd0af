/** The apps of docs/guides/in-an-existing-app.md, on the packages of this build. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StringValue } from '@rondo/contracts/google/protobuf/wrappers';
import { BadRequest, ErrorInfo } from '@rondo/contracts/google/rpc/error_details';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { eventually, freePort, root, type ServiceProcess, startRegistry } from '@rondo/harness';
import type { ServerCall } from '@rondo/rpc/call';
import {
  type CallOptions,
  type Channel,
  createChannel,
  createClient,
  createRegistryChannel,
  staticResolver,
} from '@rondo/rpc/client';
import { implement } from '@rondo/rpc/server';
import { packDetail, RpcError, Status, validate } from '@rondo/rpc/status';
import { failureOf } from '@rondo/rpc/testing';
import { type RunningService, startService } from '@rondo/service';
import { type App, buildNest, FASTIFY, guide, NEST, runIn, startApp } from './src/existing-apps/apps.js';
import { makeContracts } from './src/existing-apps/contracts.js';

const GREETER = `syntax = "proto3";
package greeter.v1;
service GreeterService { rpc Echo(EchoRequest) returns (EchoResponse); }
message EchoRequest { string text = 1; }
message EchoResponse { string text = 1; }
`;
const WELCOME = 'proto/welcome/v1/welcome.proto';
/** A method from text to text, as those of both contracts are on the wire. */
const texts = <Name extends string>(name: Name) =>
  ({
    name,
    requestType: StringValue,
    requestStream: false,
    responseType: StringValue,
    responseStream: false,
    options: {},
  }) as const;
const Greeter = { name: 'GreeterService', fullName: 'greeter.v1.GreeterService', methods: { echo: texts('Echo') } };
const Welcome = {
  name: 'WelcomeService',
  fullName: 'welcome.v1.WelcomeService',
  methods: { welcome: texts('Welcome') },
};

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
const HOUR_MS = 3_600_000;
const PATIENTLY = { timeoutMs: HOUR_MS, waitForReady: true };
const PATIENT = pathToFileURL(join(root, 'lab/e2e/src/patient.mjs')).href;

const folder = mkdtempSync(join(tmpdir(), 'rondo-existing-'));
const closers: (() => unknown)[] = [];
/** The calls that the greeter got. */
const calls: ServerCall[] = [];
let registry: ServiceProcess;
let greeter: RunningService;

async function echo({ value }: StringValue, call: ServerCall) {
  calls.push(call);
  validate((field) => {
    if (value === '') field('text')('is empty');
  });
  if (value === 'Welcome, ghost') {
    const details = [packDetail(ErrorInfo, { reason: 'GHOST', domain: 'greeter' })];
    throw new RpcError(Status.FAILED_PRECONDITION, 'ghosts are not greeted', { details });
  }
  if (value === 'Welcome, sleeper') await once(call.signal, 'abort');
  return { value };
}

/** Installs the apps in one folder, on the packages of this build and contracts of their own. */
async function install(): Promise<void> {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: { ...NEST, ...FASTIFY } }));
  await runIn(folder, 'npm', 'install', '--omit=optional', '--no-audit', '--no-fund');
  for (const scope of ['@rondo', '@my-app']) mkdirSync(join(folder, 'node_modules', scope));
  const link = (target: string, name: string) => symlinkSync(target, join(folder, 'node_modules', name));
  for (const name of ['contracts', 'rpc', 'service', 'validation'])
    link(join(root, 'packages', name), `@rondo/${name}`);
  link(join(root, 'packages/contracts/node_modules/@bufbuild'), '@bufbuild');
  link(join(folder, 'contracts'), '@my-app/contracts');
  const protos = { 'greeter/v1/greeter.proto': GREETER, 'welcome/v1/welcome.proto': guide.code(WELCOME) };
  await makeContracts(join(folder, 'contracts'), { name: 'my-app', protos });
}

/** Starts an app, whose limits of time a busy machine doesn't reach. */
async function begin(file: string, env: Readonly<Record<string, string>> = {}): Promise<App> {
  const begun = await startApp(folder, ['--import', PATIENT, file], { RONDO_REGISTRY: registry.address, ...env });
  closers.push(() => begun.app.stop());
  return begun;
}

beforeAll(async () => {
  await install();
  registry = await startRegistry();
  closers.push(() => registry.stop());
  greeter = await startService({
    name: 'greeter',
    port: 0,
    environment: { RONDO_LISTEN: '127.0.0.1:0', RONDO_LOG_LEVEL: 'error', RONDO_REGISTRY: registry.address },
    createApp: () => ({ services: [implement(Greeter, { echo })] }),
  });
  closers.push(() => greeter.drain());
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

const HELLO = { status: 200, text: '{"text":"hi"}' };

it('each command that installs packages of Rondo names all that they depend on: npm has none of them', () => {
  const lists = [...guide.commands.join('\n').matchAll(/vendor\/rondo-\{(.+)\}/g)];
  expect(lists).toHaveLength(2);
  for (const [, list = ''] of lists) {
    const named = list.split(',').map((name) => `@rondo/${name}`);
    for (const name of named) {
      const manifest = readFileSync(join(root, name.replace('@rondo', 'packages'), 'package.json'), 'utf8');
      const needed = Object.keys(JSON.parse(manifest).dependencies ?? {}).filter((one) => one.startsWith('@rondo/'));
      expect(named).toEqual(expect.arrayContaining(needed));
    }
  }
});

it('a Fastify app calls a service of the registry, passes on its errors, and ends', async () => {
  guide.write(folder, 'src/server.mjs');
  const { app, get } = await begin('src/server.mjs');
  expect(await get('/hello?text=hi')).toEqual(HELLO);
  const refused = await get('/hello?text=');
  expect(refused.status).toBe(400);
  expect(JSON.parse(refused.text)).toEqual({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('is empty') });
  expect(await app.stop()).toEqual({ code: 0, stdout: '', stderr: '' });
});

describe('a NestJS app', () => {
  let nest: App;
  let address: string;
  /** Over the registry. */
  let channel: Channel;

  beforeAll(async () => {
    channel = createRegistryChannel({ registry: [registry.address] });
    closers.push(() => channel.close());
    await buildNest(folder);
    address = `127.0.0.1:${await freePort()}`;
    nest = await begin('dist/main.js', { GRPC_ADDRESS: address, GREETER: greeter.address });
  });

  const welcome = (value: string, options: CallOptions = {}) =>
    createClient(Welcome, { channel }).welcome({ value }, { ...PATIENTLY, ...options });

  it('calls a service of the registry', async () => {
    expect(await nest.get('/hello?text=hi')).toEqual(HELLO);
  });

  it("is called by a client of Rondo at its address, and as a service's instance", async () => {
    const direct = createChannel({ resolver: staticResolver([address]) });
    closers.push(() => direct.close());
    const { value } = await createClient(Welcome, { channel: direct }).welcome({ value: 'Ada' }, PATIENTLY);
    expect(value).toBe('Welcome, Ada');
    expect(await eventually(() => welcome('Grace'))).toEqual({ value: 'Welcome, Grace' });
  });

  it("passes on its caller's deadline and trace", async () => {
    await welcome('Ada', { metadata: { traceparent } });
    const { deadline, traceId } = calls.at(-1) ?? {};
    // A call without a deadline has 10 s.
    expect(Number(deadline)).toBeGreaterThan(Date.now() + HOUR_MS / 2);
    expect(traceId).toBe(TRACE);
  });

  it('ends what it does for a call that is given up, or whose time is over', async () => {
    const giveUp = new AbortController();
    const failure = failureOf(welcome('sleeper', { signal: giveUp.signal }));
    const before = calls.length;
    const call = await eventually(() => {
      expect(calls.length).toBeGreaterThan(before);
      return calls[before];
    });
    giveUp.abort();
    expect((await failure).code).toBe(Status.CANCELLED);
    await eventually(() => expect(call?.signal.aborted).toBe(true));
    // On a busy machine the time may be over before the greeter is called.
    const late = await eventually(async () => {
      const { length } = calls;
      expect((await failureOf(welcome('sleeper', { timeoutMs: 1_000 }))).code).toBe(Status.DEADLINE_EXCEEDED);
      expect(calls.length).toBeGreaterThan(length);
      return calls[length];
    });
    await eventually(() => expect(late?.signal.aborted).toBe(true));
  });

  it('answers with errors whose details have their types, and passes on those of others', async () => {
    const nameless = await failureOf(welcome(''));
    expect(nameless).toMatchObject({ code: Status.INVALID_ARGUMENT, origin: 'server' });
    expect(nameless.detail(BadRequest)?.fieldViolations).toMatchObject([{ field: 'guest' }]);
    const ghost = await failureOf(welcome('ghost'));
    expect(ghost).toMatchObject({ code: Status.FAILED_PRECONDITION, message: 'ghosts are not greeted' });
    expect(ghost.detail(ErrorInfo)).toMatchObject({ reason: 'GHOST', domain: 'greeter' });
  });

  it('calls a service of Rondo by its own client, with a deadline and a trace, and reads the details of errors', async () => {
    expect(await nest.get('/plain?text=hi', { traceparent })).toEqual(HELLO);
    const { callerDeadline, traceId } = calls.at(-1) ?? {};
    expect({ traceId, hasDeadline: callerDeadline !== undefined }).toEqual({ traceId: TRACE, hasDeadline: true });
    const { status, text } = await nest.get('/plain?text=');
    expect(status).toBe(400);
    expect(JSON.parse(text).message).toMatchObject([{ field: 'text', description: 'is empty' }]);
  });

  it('is gone from the registry once it has ended', async () => {
    const direct = createChannel({ resolver: staticResolver([registry.address]) });
    closers.push(() => direct.close());
    const { listServices } = createClient(RegistryServiceDefinition, { channel: direct });
    const listed = () =>
      eventually(async () => (await listServices({}, { maxAttempts: 1 })).services.map(({ service }) => service));
    expect(await listed()).toContain(Welcome.fullName);
    await nest.app.stop();
    expect(await listed()).not.toContain(Welcome.fullName);
  });
});
