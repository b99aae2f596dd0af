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

/** A gateway whose services answer with an operation that has ended with a note. `called` are the services that are called, and the paths. */
async function start() {
  const called: string[] = [];
  const catalogue = { ...catalogueOf([...google, ...FILES]), contracts: () => [], onChange: () => () => undefined };
  const own = createOwnServices({
    ...{
      catalogue,
      readiness: createState(readinessOf([])),
      descriptorSet,
      clock: new ManualClock(),
      log: silentLogger,
    },
  });
  const operations = createOperations(catalogue, own.method);
  const note = {
    $type: 'notes.v1.Note',
    encode: StringValue.encode,
    decode: StringValue.decode,
    fromPartial: StringValue.fromPartial,
  };
  const operation = Operation.fromPartial({
    ...{ name, done: true, result: { $case: 'response', value: packDetail(note, { value: 'printed' }) } },
  });
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
  ...{ name, done: true },
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
  const { url } = await gatewayOfAgents({ services: catalogue.services, backend, getOperation: operations.get });
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
  const without = await gatewayOfAgents({ services: plain, backend, getOperation: operations.get });
  expect((await (await agentAt(without.url)).listTools()).tools).toEqual([]);
});
