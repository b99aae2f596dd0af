/** What an app's middleware runs around. */
import { afterEach, expect, it } from '@jest/globals';
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { ServerReflectionDefinition } from '@rondo/contracts/grpc/reflection/v1/reflection';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { type ServerCall, silentLogger } from '@rondo/rpc/call';
import { createChannel, createClient } from '@rondo/rpc/client';
import type { Middleware } from '@rondo/rpc/middleware';
import { staticResolver } from '@rondo/rpc/resolver';
import { implement } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import { type App, startService } from '../src/index.js';
import { NO_REGISTRY } from './calculators.js';

const closers: (() => unknown)[] = [];
const services = [implement(CalculatorDefinition, { add: ({ a, b }) => ({ result: a + b }) })];
const refuse: Middleware<ServerCall> = () => Promise.reject(new RpcError(Status.UNAUTHENTICATED, 'who are you?'));
const refused = { code: Status.UNAUTHENTICATED };

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(app: App) {
  const environment = { RONDO_REGISTRY: NO_REGISTRY, RONDO_DRAIN_WAIT_MS: '0' };
  const options = { name: 'calculator', port: 0, environment, log: silentLogger, createApp: () => app };
  const service = await startService(options);
  closers.push(() => service.drain());
  const channel = createChannel({ resolver: staticResolver([service.address]) });
  closers.push(() => channel.close());
  return channel;
}

it("the middleware of an app is for its own methods, and not for its server's; its server middleware is for all", async () => {
  const reached: string[] = [];
  const note: Middleware<ServerCall> = (call, next) => {
    reached.push(call.method.name);
    return next(call);
  };
  const channel = await start({ services, middleware: [refuse], serverMiddleware: [note] });
  await expect(createClient(CalculatorDefinition, { channel }).add({})).rejects.toMatchObject(refused);
  await expect(createClient(HealthDefinition, { channel }).check({})).resolves.toBeDefined();
  const { serverReflectionInfo } = createClient(ServerReflectionDefinition, { channel });
  for await (const { messageResponse } of serverReflectionInfo(listServices())) {
    expect(messageResponse?.$case).toBe('listServicesResponse');
  }
  expect(reached).toEqual(['Add', 'Check', 'ServerReflectionInfo']);
});

async function* listServices() {
  yield { messageRequest: { $case: 'listServices' as const, value: '' } };
}

it('the middleware of an app runs over a test channel, too, that is given all of the app', async () => {
  const app: App = { services, middleware: [refuse] };
  const channel = createTestChannel(app);
  closers.push(() => channel.close());
  await expect(createClient(CalculatorDefinition, { channel }).add({})).rejects.toMatchObject(refused);
});
