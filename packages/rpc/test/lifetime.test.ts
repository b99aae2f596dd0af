/** How long processes live that have clients: over the built package, in processes of their own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const NOBODY = '127.0.0.1:1';
const imports = `
  import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
  import { createChannel, createClient, createRegistryChannel } from '@rondo/rpc/client';
`;

/** Runs a script to its end. */
async function run(script: string) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', imports + script], {
    cwd: PACKAGE,
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 10_000,
  });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, output, errors };
}

it('a script that makes clients and calls none ends, though the registry is away, without a warning', async () => {
  const script = `
    const channel = createRegistryChannel({ registry: ['${NOBODY}'] });
    for (let index = 0; index < 12; index += 1) createClient({ ...conformance, fullName: 'a.S' + index }, { channel });
  `;
  expect(await run(script)).toEqual({ code: 0, output: '', errors: '' });
});

it('a script waits for its calls, though nothing is known yet and they have no deadline', async () => {
  const script = `
    const listeners = [];
    const resolver = { source: 'here', resolve: (_name, told) => (listeners.push(told), { close() {} }), close() {} };
    const client = createClient(conformance, { channel: createChannel({ resolver }) });
    setTimeout(() => listeners[0].onResolution({ endpoints: [], departed: [] }), 200).unref();
    setTimeout(() => undefined, 20);
    for await (const _reply of client.serverStream({ count: 1 })) break;
  `;
  const { code, errors } = await run(script);
  expect(code).toBe(1);
  expect(errors).toContain('is registered with here');
});
