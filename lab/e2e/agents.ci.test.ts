/** Agents over a real system: the guide, and `rondo mcp`. */
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { eventually, freePort, root, type System, startRegistry, startService, startSystem } from '@rondo/harness';
import { readGuide } from '../../e2e/src/docs.js';
import { askJson } from '../../e2e/src/front-door.js';
import { runFile } from './src/run-guide.js';

let system: System;
let gateway: string;

beforeAll(async () => {
  system = await startSystem({ prefix: 'rondo-agents-', env: { RONDO_GATEWAY_MCP: 'on' } });
  gateway = `http://${system.address(20)}`;
});
afterAll(async () => {
  await system.stop();
  system.remove();
});

it('the guide’s agent lists tools, repeats an order and has a call confirmed', async () => {
  const guide = readGuide('agents.md');
  const { code, stdout, stderr } = await runFile(guide, 'agent.mjs', gateway);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(guide.code('agent.output'));
});

it('rondo mcp shows an assistant the instances that run', async () => {
  const client = new Client({ name: 'assistant', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const env = { ...process.env, RONDO_REGISTRY: system.registry };
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [join(root, 'scripts/rondo.mjs'), 'mcp'],
      env: Object.fromEntries(
        Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
      ),
      stderr: 'ignore',
    }),
  );
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(['ps', 'why', 'describe', 'trace', 'logs', 'doctor', 'jobs', 'runs']);
  expect(tools.every(({ annotations }) => annotations?.readOnlyHint)).toBe(true);
  const { content } = await client.callTool({ name: 'ps', arguments: { service: 'OrderService' } });
  expect(JSON.stringify(content)).toContain('sales-1');
  await client.close();
});

describe('the code of the protocol', () => {
  const running: { stop(): Promise<unknown> }[] = [];
  afterAll(() => Promise.all(running.map((process) => process.stop())));

  it.each([
    ['off', 404],
    ['on', 200],
  ])('is loaded by a gateway that serves agents alone: %s', async (mcp, status) => {
    const registry = await startRegistry();
    running.push(registry);
    const listen = `127.0.0.1:${await freePort()}`;
    const probe = pathToFileURL(join(root, 'lab/e2e/src/loaded-files.mjs')).href;
    const env = { RONDO_GATEWAY_MCP: mcp, RONDO_GATEWAY_LISTEN: listen };
    const nodeArguments = ['--import', probe];
    const started = await startService('gateway', { registry: registry.address, env, nodeArguments });
    running.push(started);
    const headers = { accept: 'application/json, text/event-stream' };
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
    // The answer comes once the code is loaded.
    await eventually(async () =>
      expect((await askJson(`http://${listen}/mcp`, list, { headers })).status).toBe(status),
    );
    const answer = once(started.process, 'message');
    started.process.send('which files?');
    const files = String((await answer)[0]).split('\n');
    expect(files.length).toBeGreaterThan(100);
    const isOfProtocol = (file: string) => /@modelcontextprotocol|\/zod\/|mcp\/dist\/server/.test(file);
    expect(files.some(isOfProtocol)).toBe(status === 200);
  });
});
