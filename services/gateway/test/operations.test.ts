import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from '@jest/globals';
import {
  GetOperationRequest,
  ListOperationsResponse,
  Operation,
  WaitOperationRequest,
} from '@rondo/contracts/google/longrunning/operations';
import { StringValue } from '@rondo/contracts/google/protobuf/wrappers';
import { Exposure } from '@rondo/contracts/rondo/options/v1/options';
import { Metadata, silentLogger } from '@rondo/rpc/call';
import { packDetail } from '@rondo/rpc/status';
import { ManualClock } from '@rondo/rpc/testing';
import { createState, readinessOf } from '@rondo/service/testing';
import { createOperations } from '../src/discovery/operations.js';
import { createHttpJson } from '../src/http-json/http-json.js';
import type { Backend } from '../src/protocols/backend.js';
import { createOwnServices } from '../src/protocols/own-services.js';
import { agentAt, gatewayOfAgents } from './support/agents.js';
import { frame, frames, gateway, type Sent, send2 } from './support/calling.js';
import { catalogueOf, ownFiles } from './support/catalogues.js';
import { fileOf, type MethodSpec, message } from './support/files.js';
import { closeAll } from './support/listening.js';

afterEach(closeAll);

const descriptorSet = readFileSync(new URL('../../../packages/contracts/descriptors.binpb', import.meta.url));
const google = ownFiles().filter(({ name }) => name.startsWith('google/'));

const OPERATION: MethodSpec = { input: 'Note', output: '.google.longrunning.Operation' };
const INTERNAL = { ...OPERATION, policy: { exposure: Exposure.EXPOSURE_INTERNAL } };
const fileWith = (service: string, methods: Readonly<Record<string, MethodSpec>>) =>
  fileOf(service, methods, {
    messages: [message('Note', { text: 'string' })],
    file: { dependency: ['google/longrunning/operations.proto'] },
  });
const FILES = [
  fileWith('notes.v1.NoteService', {
    PrintNote: { ...OPERATION, policy: { tool: { name: '', description: 'Prints.', confirm: false } } },
    GetNote: { input: 'Note' },
  }),
  fileWith('jobs.v1.JobService', { Run: OPERATION, Audit: INTERNAL }),
  fileWith('plain.v1.PlainService', { Get: { input: 'Note' } }),
];
const name = 'operations/notes.v1.NoteService/01J';

const note = {
  $type: 'notes.v1.Note',
  encode: StringValue.encode,
  decode: StringValue.decode,
  fromPartial: StringValue.fromPartial,
};
const printed = { $case: 'response' as const, value: packDetail(note, { value: 'printed' }) };
const failed = (code: number) => ({
  done: true,
  result: { $case: 'error' as const, value: { code, message: 'no paper', details: [] } },
});

/** A gateway whose services answer with an operation that goes on, or has ended: with a note by default. `called` are the services that are called, and the paths. */
async function start(ended: Partial<Operation> = { done: true, result: printed }) {
  const called: string[] = [];
  const catalogue = { ...catalogueOf([...google, ...FILES]), contracts: () => [], onChange: () => () => undefined };
  const own = createOwnServices({
    catalogue,
    readiness: createState(readinessOf([])),
    descriptorSet,
    clock: new ManualClock(),
    log: silentLogger,
  });
  const operations = createOperations(catalogue, own.method);
  const operation = Operation.fromPartial({ name, ...ended });
  const backend: Backend = async (call) => {
    const { target } = operations.redirect(call);
    called.push(`${target.method.service} ${target.method.path}`);
    const encoded = target.method.name.startsWith('List')
      ? ListOperationsResponse.encode({ operations: [operation], nextPageToken: '', unreachable: [] })
      : Operation.encode(operation);
    const [header, trailer] = [new Metadata(), new Metadata()];
    return { header, trailer, response: { stream: false, message: encoded.finish() }, from: undefined };
  };
  const { session } = await gateway({
    catalogue: {
      method: (path) => operations.method(path) ?? 'unknown',
      route: operations.route,
      learning: () => false,
      onChange: () => () => undefined,
    },
    backend,
    httpJson: createHttpJson({ backend }),
  });
  const http = await session();
  return { called, catalogue, operations, backend, send: (sent: Sent) => send2(http, sent) };
}

const ENDED = {
  name,
  done: true,
  response: { '@type': 'type.googleapis.com/notes.v1.Note', text: 'printed' },
};
const AT_NOTES = 'notes.v1.NoteService /google.longrunning.Operations/';

it('HTTP/JSON reads, cancels and lists operations at the service in the name or the filter, by the paths of AIP-151', async () => {
  const { called, send } = await start();
  const json = async (sent: Sent) => {
    const { status, body } = await send(sent);
    return { status, ...JSON.parse(String(body)) };
  };
  expect(await json({ method: 'GET', path: `/v1/${name}` })).toEqual({ status: 200, ...ENDED });
  const listed = {
    method: 'GET',
    path: `/v1/operations?filter=${encodeURIComponent('service = "notes.v1.NoteService"')}`,
  };
  expect(await json(listed)).toMatchObject({ status: 200, operations: [ENDED] });
  const headers = { 'content-type': 'application/json' };
  await send({ path: `/v1/${name}:cancel`, headers, chunks: [Buffer.from('{}')] });
  expect(called).toEqual([`${AT_NOTES}GetOperation`, `${AT_NOTES}ListOperations`, `${AT_NOTES}CancelOperation`]);
  expect(await json({ method: 'GET', path: '/v1/operations' })).toMatchObject({
    status: 400,
    message: 'filter: is ""; say whose operations to list: service = "sales.v1.OrderService"',
  });
});

it.each(['application/grpc', 'application/grpc-web+proto'])(
  '%s carries a wait to the service in the name',
  async (type) => {
    const { called, send } = await start();
    const chunks = [frame(WaitOperationRequest.encode({ name, timeout: undefined }).finish())];
    const path = '/google.longrunning.Operations/WaitOperation';
    const { body } = await send({ path, headers: { 'content-type': type, te: 'trailers' }, chunks });
    expect(Operation.decode(frames(body)[0]?.data ?? Buffer.of())).toMatchObject({ name, done: true });
    expect(called).toEqual([`${AT_NOTES}WaitOperation`]);
  },
);

it('Connect reads an operation as JSON, with the types of the service that has it', async () => {
  const { called, send } = await start();
  const path = '/google.longrunning.Operations/GetOperation';
  const chunks = [Buffer.from(JSON.stringify({ name }))];
  const { body } = await send({ path, headers: { 'content-type': 'application/json' }, chunks });
  expect(JSON.parse(String(body))).toEqual(ENDED);
  expect(called).toEqual([`${AT_NOTES}GetOperation`]);
});

it.each([
  ['rondo.registry.v1.RegistryService', 'no public service rondo.registry.v1.RegistryService has operations'],
  ['jobs.v1.JobService', 'no public service jobs.v1.JobService has operations'],
  ['plain.v1.PlainService', 'no public service plain.v1.PlainService has operations'],
])('an operation of %s stays inside', async (service, text) => {
  const { called, send } = await start();
  const { status, body } = await send({ method: 'GET', path: `/v1/operations/${service}/01J` });
  expect([status, JSON.parse(String(body)).message]).toEqual([404, text]);
  expect(called).toEqual([]);
});

it('a request that names no service, or can’t be read, is the fault of the client', async () => {
  const { send } = await start();
  const path = '/google.longrunning.Operations/GetOperation';
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  for (const bytes of [GetOperationRequest.encode({ name: 'a/b' }).finish(), Buffer.from([0xff, 0xff])]) {
    const { trailers } = await send({ path, headers, chunks: [frame(bytes)] });
    expect(trailers).toMatchObject({ 'grpc-status': '3' });
    expect(decodeURIComponent(String(trailers['grpc-message']))).toContain('give operations/SERVICE/ID');
  }
});

it('an agent that starts an operation asks for it with a tool that changes nothing', async () => {
  const { catalogue, operations, backend, called } = await start();
  const { url } = await gatewayOfAgents({ services: catalogue.services, backend, operations });
  const agent = await agentAt(url);
  const { tools } = await agent.listTools();
  expect(tools.map((tool) => [tool.name, tool.annotations?.readOnlyHint])).toEqual([
    ['get_operation', true],
    ['print_note', false],
  ]);
  expect(tools[1]?.description).toMatch(/^Prints\.\n\nAnswers at once with an operation/);
  const answer = await agent.callTool({ name: 'get_operation', arguments: { name } });
  expect(answer.structuredContent).toEqual(ENDED);
  expect(called).toEqual([`${AT_NOTES}GetOperation`]);
  const plain = catalogue.services.filter((service) => service.name === 'plain.v1.PlainService');
  const without = await gatewayOfAgents({ services: plain, backend, operations });
  expect((await (await agentAt(without.url)).listTools()).tools).toEqual([]);
});

/** Asks a gateway of agents as a program does that declares the extension of tasks, or doesn't. */
async function asker(ended: Partial<Operation>, declares = true) {
  const { catalogue, operations, backend, called } = await start(ended);
  const { url } = await gatewayOfAgents({ services: catalogue.services, backend, operations });
  const extensions = declares ? { 'io.modelcontextprotocol/tasks': {} } : {};
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'a', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': { extensions },
  };
  const ask = async (method: string, params: Readonly<Record<string, unknown>>) => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const named = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method };
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, ...named, 'mcp-name': String(params.name ?? params.taskId) },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } }),
    });
    return JSON.parse(await response.text());
  };
  return { ask, called };
}

const GOES_ON = { done: false };
const print = { name: 'print_note', arguments: { text: 'a' } };

it('a program that declares the extension of tasks gets a task, which it asks for and cancels', async () => {
  const { ask, called } = await asker(GOES_ON);
  const { result: task } = await ask('tools/call', print);
  expect(task).toMatchObject({ resultType: 'task', status: 'working', ttlMs: null, pollIntervalMs: 2_000 });
  const { taskId, createdAt } = task;
  expect(taskId).toBe(`${name}@${Date.parse(createdAt)}`);
  const { result } = await ask('tasks/get', { taskId });
  expect(result).toMatchObject({ resultType: 'complete', taskId, createdAt, status: 'working' });
  expect(result.result).toBeUndefined();
  expect((await ask('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' });
  expect((await ask('tasks/update', { taskId, inputResponses: {} })).result).toMatchObject({ resultType: 'complete' });
  const asked = ['GetOperation', 'CancelOperation', 'GetOperation'].map((method) => AT_NOTES + method);
  expect(called).toEqual(['notes.v1.NoteService /notes.v1.NoteService/PrintNote', ...asked]);
  // What only looks has no task, as it answers at once.
  expect((await ask('tools/call', { name: 'get_operation', arguments: { name } })).result.resultType).toBe('complete');
});

it.each([
  ['with its answer', { done: true, result: printed }, ['completed', false]],
  ['with an error', failed(9), ['completed', true]],
  ['cancelled', failed(1), ['cancelled', undefined]],
] as const)('a task ends as its operation: %s', async (_, ended, wanted) => {
  const { ask } = await asker(ended);
  const { result } = await ask('tasks/get', { taskId: `${name}@1764547200000` });
  expect([result.status, result.result?.isError]).toEqual(wanted);
  if (ended.result === printed) expect(result.result.structuredContent).toEqual(ENDED);
  expect((await ask('tools/call', print)).result).toMatchObject({ resultType: 'complete', isError: false });
});

it('a program that doesn’t declare tasks gets none, and an id that isn’t a task’s is refused', async () => {
  const without = await asker(GOES_ON, false);
  expect((await without.ask('tools/call', print)).result).toMatchObject({
    resultType: 'complete',
    structuredContent: { name },
  });
  const taskId = `${name}@1764547200000`;
  for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update'])
    for (const id of [taskId, 'wrong']) expect((await without.ask(method, { taskId: id })).error.code).toBe(-32021);
  expect(without.called).toHaveLength(1);
  const { ask, called } = await asker(GOES_ON);
  for (const wrong of [name, `operations/plain.v1.PlainService/1@1764547200000`, 'a@1764547200000', ''])
    expect((await ask('tasks/get', { taskId: wrong })).error.code).toBe(-32602);
  expect(called).toEqual([]);
});
