import { afterEach, describe, expect, it } from '@jest/globals';
import { Metadata } from '@rondo/rpc/call';
import { fixedEndpoint } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { deferred } from '../../../packages/rpc/test/support/wait.js';
import type { Backend, BackendCall } from '../src/protocols/backend.js';
import { agentAt, gatewayOfAgents } from './support/agents.js';
import { send2 } from './support/calling.js';
import { catalogueOf, wellKnownFiles } from './support/catalogues.js';
import { fileOf, type MethodSpec, message } from './support/files.js';
import { closeAll, connect2 } from './support/listening.js';

const INSTANCE = fixedEndpoint('127.0.0.1:1', { instanceId: 'a', incarnation: 1 });
const tool = (more: object = {}) => ({ tool: { name: '', description: 'Does something.', confirm: false, ...more } });
const byField = { idempotency: { source: { $case: 'field' as const, value: 'request_id' } } };
const byMetadata = { idempotency: { source: { $case: 'metadata' as const, value: 'idempotency-key' } } };

const METHODS: Readonly<Record<string, MethodSpec>> = {
  GetNote: { input: 'Note', safe: true, policy: tool() },
  PutNote: { input: 'Note', policy: { ...tool({ name: 'write-note' }), ...byField } },
  MoveNote: { input: 'Note', policy: { ...tool(), ...byMetadata } },
  DropNote: { input: 'Note', policy: { ...tool({ confirm: true }), ...byField } },
  HideNote: { input: 'Note', safe: true },
};
const NOTE = { text: 'string', request_id: 'string', size: 'int64', parts: '.notes.v1.Note[]' };

const servicesOf = (methods = METHODS) =>
  catalogueOf([...wellKnownFiles, fileOf('notes.v1.NoteService', methods, { messages: [message('Note', NOTE)] })])
    .services;

/** Answers with the request, once `fail` doesn't throw. */
function echo(fail: (call: BackendCall) => unknown = () => undefined) {
  const calls: BackendCall[] = [];
  const backend: Backend = async (call) => {
    calls.push(call);
    await fail(call);
    const request = typeof call.request === 'function' ? call.request(INSTANCE) : call.request;
    if (request === undefined || request.stream) throw new Error('no request');
    return { header: new Metadata(), trailer: new Metadata(), response: request, from: INSTANCE };
  };
  return { backend, calls };
}

afterEach(closeAll);

const textOf = ({ content }: { readonly content: readonly object[] }) => String(Reflect.get(content[0] ?? {}, 'text'));

describe('a method is a tool', () => {
  it('if its contract says so: with schemas, hints and its key as an argument', async () => {
    const { url } = await gatewayOfAgents({ services: servicesOf(), ...echo() });
    const { tools } = await (await agentAt(url)).listTools();
    expect(tools.map(({ name }) => name)).toEqual(['drop_note', 'get_note', 'move_note', 'write-note']);
    const named = (name: string) => tools.find((one) => one.name === name);
    expect(named('get_note')).toMatchObject({
      description: 'Does something.',
      annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true },
      inputSchema: { type: 'object', properties: { parts: { items: { $ref: '#/$defs/notes.v1.Note' } } } },
      outputSchema: { type: 'object', $defs: { 'notes.v1.Note': { type: 'object' } } },
    });
    expect(named('get_note')?.inputSchema.required).toBeUndefined();
    expect(named('write-note')?.inputSchema.required).toEqual(['requestId']);
    expect(named('write-note')?.annotations).toMatchObject({ readOnlyHint: false, idempotentHint: true });
    expect(named('move_note')?.inputSchema.required).toEqual(['idempotency_key']);
    expect(named('drop_note')?.annotations).toMatchObject({ destructiveHint: true });
  });

  it.each([{ old: false }, { old: true }])('that an agent calls: %o', async ({ old }) => {
    const { backend, calls } = echo();
    const { url } = await gatewayOfAgents({ services: servicesOf(), backend });
    const agent = await agentAt(url, { old });
    const answer = await agent.callTool({ name: 'get_note', arguments: { text: 'a', size: '9007199254740993' } });
    expect(answer).toMatchObject({ structuredContent: { text: 'a', size: '9007199254740993', parts: [] } });
    expect(JSON.parse(textOf(answer))).toEqual(answer.structuredContent);
    expect(calls.map(({ target }) => target.method.path)).toEqual(['/notes.v1.NoteService/GetNote']);
  });

  it('with its key: in the request, or in the metadata, and never without', async () => {
    const { backend, calls } = echo();
    const { url } = await gatewayOfAgents({ services: servicesOf(), backend });
    const agent = await agentAt(url);
    expect(await agent.callTool({ name: 'write-note', arguments: { requestId: 'k1' } })).toMatchObject({
      structuredContent: { requestId: 'k1' },
    });
    await agent.callTool({ name: 'move_note', arguments: { idempotency_key: 'k2', text: 'a' } });
    expect(calls.map(({ metadata }) => metadata.get('idempotency-key'))).toEqual([undefined, 'k2']);
    for (const name of ['write-note', 'move_note']) {
      const answer = await agent.callTool({ name, arguments: { text: 'a' } });
      expect(answer.isError).toBe(true);
      expect(textOf(answer)).toMatch(/^INVALID_ARGUMENT: (?:requestId|idempotency_key):? is missing: make a new value/);
    }
    expect(calls).toHaveLength(2);
  });

  it('whose errors are answers that say what to do', async () => {
    const { backend } = echo(() => {
      throw new RpcError(Status.UNAVAILABLE, 'the service is away', { origin: 'server' });
    });
    const { url } = await gatewayOfAgents({ services: servicesOf(), backend });
    const agent = await agentAt(url);
    const answer = await agent.callTool({ name: 'write-note', arguments: { request_id: 'k' } });
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toBe(
      'UNAVAILABLE: the service is away\nRepeat the call with the same requestId in 1 s: it takes effect once.',
    );
    const wrong = await agent.callTool({ name: 'get_note', arguments: { txt: 1 } });
    expect(textOf(wrong)).toMatch(/^INVALID_ARGUMENT: .*txt/);
  });

  it('whose answer is cut at 256 KiB, and says so', async () => {
    const { url } = await gatewayOfAgents({ services: servicesOf(), ...echo() });
    const agent = await agentAt(url);
    const answer = await agent.callTool({ name: 'get_note', arguments: { text: 'ü'.repeat(200_000) } });
    expect(answer.isError).toBe(true);
    expect(textOf(answer)).toMatch(/^The call succeeded\. Its answer has 4000\d\d bytes, .* Ask for less/);
    expect(Buffer.byteLength(textOf(answer))).toBeLessThan(257 * 1024);
  });

  it('whose call ends when the agent leaves', async () => {
    const started = deferred();
    const ended = deferred();
    let reason: unknown;
    const { backend } = echo(({ context }) => {
      context.signal.addEventListener('abort', () => {
        reason = context.reason?.code;
        ended.resolve();
      });
      started.resolve();
      return new Promise(() => undefined);
    });
    const { url } = await gatewayOfAgents({ services: servicesOf(), backend });
    const agent = await agentAt(url);
    const leaving = new AbortController();
    const call = agent.callTool({ name: 'get_note' }, { signal: leaving.signal });
    call.catch(() => undefined);
    await started.promise;
    leaving.abort();
    await expect(call).rejects.toThrow();
    await ended.promise;
    expect(reason).toBe(Status.CANCELLED);
  });
});

describe('a call that a person has to confirm', () => {
  it.each(['accept', 'decline'] as const)('is asked of the person: %s', async (action) => {
    const { backend, calls } = echo();
    const { url } = await gatewayOfAgents({ services: servicesOf(), backend });
    const asked: string[] = [];
    const person = (question: string) => {
      asked.push(question);
      return action;
    };
    const agent = await agentAt(url, { person });
    const answer = await agent.callTool({ name: 'drop_note', arguments: { requestId: 'k', text: 'a' } });
    expect(asked).toEqual(['Call drop_note with {"requestId":"k","text":"a"}?']);
    expect([answer.isError, calls.length]).toEqual(action === 'accept' ? [false, 1] : [true, 0]);
  });

  it('is refused to a program that can’t ask, and to one of 2025', async () => {
    const { backend, calls } = echo();
    const { url } = await gatewayOfAgents({ services: servicesOf(), backend });
    const call = { name: 'drop_note', arguments: { requestId: 'k' } };
    await expect((await agentAt(url)).callTool(call)).rejects.toThrow(/capabilit/);
    const old = await (await agentAt(url, { old: true, person: () => 'accept' })).callTool(call);
    expect([old.isError, textOf(old)]).toEqual([true, expect.stringMatching(/needs protocol 2026-07-28/)]);
    expect(calls).toEqual([]);
  });
});

it('a program of 2025 calls over HTTP/2, too', async () => {
  const { port } = await gatewayOfAgents({ services: servicesOf(), ...echo() });
  const session = await connect2(`http://127.0.0.1:${port}`);
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get_note', arguments: { text: 'a' } } };
  const { status, headers, body } = await send2(session, {
    path: '/mcp',
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    chunks: [Buffer.from(JSON.stringify(call))],
  });
  expect([status, headers['x-content-type-options']]).toEqual([200, 'nosniff']);
  expect(body.toString()).toContain('"structuredContent":{"text":"a"');
});
