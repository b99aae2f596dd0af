/** How long processes with clients live: over the built package, in separate processes. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from '@jest/globals';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { sleep, systemClock } from '../src/exports/clock.js';
import { createRouter, implement, type RpcServer, serve } from '../src/exports/server.js';
import { conformanceService } from './support/service.js';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const NOBODY = '127.0.0.1:1';
const servers: RpcServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.drain(0);
});
const imports = `
  import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
  import { createChannel, createClient, createRegistryChannel, staticResolver } from '@rondo/rpc/client';
`;

/** Runs a script to its end. */
async function run(script: string) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', imports + script], {
    cwd: PACKAGE,
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 120_000,
  });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, output, errors };
}

it('a script that creates clients without calling ends, although the registry is away, without a warning', async () => {
  const script = `
    const channel = createRegistryChannel({ registry: ['${NOBODY}'] });
    for (let index = 0; index < 12; index += 1) createClient({ ...conformance, fullName: 'a.S' + index }, { channel });
  `;
  expect(await run(script)).toEqual({ code: 0, output: '', errors: '' });
});

it('a script waits for its calls, although no instance is known yet and they have no deadline', async () => {
  const script = `
    const listeners = [];
    const resolver = { source: 'here', resolve: (_name, listener) => (listeners.push(listener), { close() {} }), close() {} };
    const client = createClient(conformance, { channel: createChannel({ resolver }) });
    setTimeout(() => listeners[0].onResolution({ endpoints: [], departed: [] }), 200).unref();
    setTimeout(() => undefined, 20);
    for await (const _reply of client.serverStream({ count: 1 })) break;
  `;
  const { code, errors } = await run(script);
  expect(code).toBe(1);
  expect(errors).toContain('is registered with here');
});

it('a script that watches the health of its instances ends after its calls, and not before', async () => {
  let watched = 0;
  const health = implement(HealthDefinition, {
    check: () => ({}),
    list: () => ({}),
    async *watch(_request, call) {
      watched += 1;
      yield {};
      await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
    },
  });
  const late = conformanceService({
    async *serverStream() {
      await sleep(systemClock, 700); // so that nothing else holds the process any more
      yield { index: 7 };
    },
  });
  const server = await serve(createRouter({ services: [late, health] }), { listen: '127.0.0.1:0' });
  servers.push(server);
  const script = `
    const channel = createChannel({ resolver: staticResolver(['${server.address}']), healthCheck: true });
    const client = createClient(conformance, { channel });
    await client.unary({});
    await new Promise((resolve) => setTimeout(resolve, 300));
    for await (const { index } of client.serverStream({ count: 1 })) process.stdout.write(String(index));
  `;
  expect(await run(script)).toEqual({ code: 0, output: '7', errors: '' });
  expect(watched).toBe(1);
});
