import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, createFileRegistry, type DescService, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Exposure, ServicePolicy } from '@rondo/contracts/rondo/options/v1/options';
import { eventually, root, start, startService } from '@rondo/harness';
import { ask, askGrpc, askJson, envelope, parts } from '../front-door.js';
import { system } from './system.js';

const ADD = 'calculator.v1.CalculatorService/Add';
/** `{"a": 1, "b": 2}` and `{"result": 3}`, encoded. */
const ONE_AND_TWO = Buffer.from([0x08, 1, 0x10, 2]);
const THREE = Buffer.from([0x08, 3]);

const DESCRIPTORS = join(root, 'packages/contracts/descriptors.binpb');
/** What the gateway serves itself. */
const OWN = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

let gateway: string;

beforeAll(() => {
  gateway = `http://${system.address(20)}`;
});

describe('a sum', () => {
  const add = (body: string, headers: Readonly<Record<string, string>> = {}) =>
    ask(`${gateway}/add`, { body, headers });

  it('is a number, for a client that sends JSON and for one that sends what curl -d sends', async () => {
    for (const type of ['application/json', 'application/x-www-form-urlencoded']) {
      const { status, text, headers } = await add('{"a":1,"b":2}', { 'content-type': type });
      expect([status, text, headers.get('content-type')]).toEqual([200, '{"result":3}', 'application/json']);
    }
    expect((await ask(`${gateway}/v1/calculator:add?a=1&b=2`)).text).toBe('{"result":3}');
  });

  it('is exact, or an error that says why', async () => {
    const json = { 'content-type': 'application/json' };
    expect((await add('{"a":9007199254740991,"b":1}', json)).text).toBe('{"result":9007199254740992}');
    const { status, text } = await add('{"a":9007199254740992,"b":1}', json);
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ code: 11, message: expect.stringContaining('9007199254740993') });
    const beyond = await add('{"a":"9007199254740993","b":1}', json);
    expect(beyond.status).toBe(400);
    expect(beyond.json()).toMatchObject({ code: 3, details: [{ fieldViolations: [{ field: 'a' }] }] });
  });

  it('is the same by HTTP/JSON, Connect, gRPC-Web and gRPC', async () => {
    const url = `${gateway}/${ADD}`;
    expect((await askJson(url, { a: 1, b: 2 })).json()).toEqual({ result: '3' });
    const message = encodeURIComponent('{"a":1,"b":2}');
    expect((await ask(`${url}?connect=v1&encoding=json&message=${message}`)).json()).toEqual({ result: '3' });
    const proto = await ask(url, { headers: { 'content-type': 'application/proto' }, body: ONE_AND_TWO });
    expect(proto.body).toEqual(THREE);
    const web = await ask(url, {
      headers: { 'content-type': 'application/grpc-web+proto' },
      body: envelope(ONE_AND_TWO),
    });
    expect(web.body.subarray(0, 7)).toEqual(envelope(THREE));
    expect(web.body.subarray(7).toString()).toContain('grpc-status: 0');
    expect(await askGrpc(gateway, `/${ADD}`, ONE_AND_TWO)).toEqual({ code: 0, message: '', body: envelope(THREE) });
  });
});

describe('a resource', () => {
  it('is created, read, changed, listed, deleted and brought back by its paths', async () => {
    const created = await askJson(`${gateway}/v1/projects`, {
      project: { title: 'Door' },
      tasks: [{ title: 'Hinge' }],
    });
    const { name } = Object(created.json());
    expect(created.status).toBe(200);
    expect(created.json()).toMatchObject({
      name: expect.stringMatching(/^projects\//),
      state: 'PROJECT_STATE_PLANNED',
    });
    const url = `${gateway}/v1/${name}`;

    const read = await ask(url);
    const etag = read.headers.get('etag') ?? '';
    expect(read.json()).toEqual(created.json());
    expect(Object(read.json()).etag).toBe(etag);
    expect((await ask(url, { headers: { 'if-none-match': etag } })).status).toBe(304);

    const changed = await askJson(url, { title: 'Gate' }, { method: 'PATCH', headers: { 'if-match': etag } });
    expect(changed.json()).toMatchObject({ title: 'Gate', state: 'PROJECT_STATE_PLANNED' });
    const stale = await askJson(url, { title: 'Wall' }, { method: 'PATCH', headers: { 'if-match': etag } });
    expect(stale.status).toBe(412);
    expect(stale.json()).toMatchObject({ code: 10, details: [{ reason: 'STALE_ETAG' }] });

    const filter = encodeURIComponent('title = "Gate"');
    const names = async (query: string) => {
      const { projects } = Object((await ask(`${gateway}/v1/projects?${query}&filter=${filter}`)).json());
      return projects.map((project: { name: string }) => project.name);
    };
    expect(await names('pageSize=10')).toEqual([name]);
    expect((await ask(`${url}/tasks`)).json()).toMatchObject({ tasks: [{ title: 'Hinge' }], nextPageToken: '' });
    expect((await ask(`${url}:estimate`)).json()).toMatchObject({ taskCount: '1' });

    expect((await ask(url, { method: 'DELETE' })).json()).toMatchObject({ deleteTime: expect.any(String) });
    expect(await names('pageSize=10')).toEqual([]);
    expect(await names('showDeleted=true')).toEqual([name]);
    expect((await askJson(`${url}:undelete`, {})).json()).not.toHaveProperty('deleteTime');
    expect(await names('pageSize=10')).toEqual([name]);
  });

  it('is created once if a client repeats the request with the same key', async () => {
    const customer = { displayName: 'Ada', email: 'ada@gateway.example' };
    const create = (key: string) =>
      askJson(`${gateway}/v1/customers`, customer, { headers: { 'idempotency-key': key } });
    const key = '8f14e45f-ceea-467f-9d3b-1b2b6e1f5a11';
    const first = await create(key);
    expect(first.status).toBe(200);
    expect((await create(key)).json()).toEqual(first.json());
    const another = await create('8f14e45f-ceea-467f-9d3b-1b2b6e1f5a12');
    expect([another.status, Object(another.json()).code]).toEqual([409, 6]);
  });

  it('is refused with the field that is wrong, or with its name if it does not exist', async () => {
    const untitled = await askJson(`${gateway}/v1/projects`, { project: { title: '' } });
    expect(untitled.status).toBe(400);
    expect(untitled.json()).toMatchObject({ code: 3, details: [{ fieldViolations: [{ field: 'project.title' }] }] });
    const unknown = await askJson(`${gateway}/v1/projects`, { project: { titel: 'Door' } });
    expect(unknown.json()).toMatchObject({ code: 3, details: [{ fieldViolations: [{ field: 'project.titel' }] }] });
    const missing = await ask(`${gateway}/v1/projects/none`);
    expect(missing.status).toBe(404);
    expect(missing.json()).toMatchObject({ code: 5, details: [{ resourceName: 'projects/none' }] });
    const wrongVerb = await ask(`${gateway}/v1/projects/none/tasks`, { method: 'DELETE' });
    expect([wrongVerb.status, wrongVerb.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    expect((await ask(`${gateway}/v1/nothing`)).json()).toMatchObject({ code: 5 });
  });

  it('is watched as lines of JSON and as events, which go on where an earlier watch ended', async () => {
    const { name } = Object((await askJson(`${gateway}/v1/projects`, { project: { title: 'One' } })).json());
    const url = `${gateway}/v1/${name}`;
    const rename = (title: string) => askJson(url, { title }, { method: 'PATCH' });
    const changeTo = (title: string) => ({ projectChanged: { title }, resumeToken: expect.any(String) });

    const lines = parts(`${url}:watch`, '\n');
    expect(JSON.parse((await lines.next()).value)).toMatchObject({ snapshot: { project: { title: 'One' } } });
    await rename('Two');
    expect(JSON.parse((await lines.next()).value)).toMatchObject(changeTo('Two'));
    await lines.return(undefined);

    const sse = { accept: 'text/event-stream' };
    const events = eventsOf(parts(`${url}:watch`, '\n\n', sse));
    const { id, data } = await take(events);
    expect(data).toMatchObject({ snapshot: { project: { title: 'Two' } }, resumeToken: id });
    await events.return(undefined);
    await rename('Three');
    await rename('Four');
    const resumed = eventsOf(parts(`${url}:watch`, '\n\n', { ...sse, 'last-event-id': id }));
    expect([(await take(resumed)).data, (await take(resumed)).data]).toMatchObject([
      changeTo('Three'),
      changeTo('Four'),
    ]);
    await resumed.return(undefined);
  });
});

/** An event of a stream of server-sent events. */
interface SentEvent {
  readonly id: string;
  readonly data: unknown;
}

/** The events with data. Comments keep a connection alive, and `retry` says when to connect again. */
async function* eventsOf(blocks: AsyncIterable<string>): AsyncGenerator<SentEvent> {
  for await (const block of blocks) {
    const [, data] = /^data: (.*)$/m.exec(block) ?? [];
    if (data !== undefined) yield { id: /^id: (.*)$/m.exec(block)?.[1] ?? '', data: JSON.parse(data) };
  }
}

async function take(events: AsyncGenerator<SentEvent>): Promise<SentEvent> {
  const { value, done } = await events.next();
  if (done === true) throw new Error('the stream has ended');
  return value;
}

describe('what is exposed', () => {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS));
  const services = [...createFileRegistry(set)].filter((type) => type.kind === 'service');
  let offered: readonly string[];

  beforeAll(async () => {
    const { instances } = JSON.parse((await system.rondo('ps', '--json')).stdout);
    const running = new Set(instances.flatMap((instance: { services: readonly string[] }) => instance.services));
    const isOffered = (service: DescService) => running.has(service.typeName) && isPublic(service);
    offered = services.filter(isOffered).map(({ typeName }) => typeName);
  });

  it('is each service of the applications, and nothing else', async () => {
    expect(offered).toEqual(expect.arrayContaining(['calculator.Calculator', 'sales.v1.OrderService']));
    const { stdout } = await system.rondo('call', 'rondo.gateway.v1.GatewayService/ListExposedServices', '{}');
    const listed: { services: readonly { name: string }[] } = JSON.parse(stdout);
    expect(listed.services.map(({ name }) => name).sort()).toEqual([...offered].sort());
  });

  it('is what grpcurl lists, describes and calls', async () => {
    const grpcurl = (...args: readonly string[]) => runGrpcurl(['-plaintext', ...args]);
    if ((await runGrpcurl(['-version'])).code !== 0) {
      process.stdout.write('grpcurl is not installed here: what it lists was not compared\n');
      return;
    }
    const authority = system.address(20);
    expect((await grpcurl(authority, 'list')).stdout.trim().split('\n').sort()).toEqual([...offered, ...OWN].sort());
    expect((await grpcurl(authority, 'describe', 'calculator.v1.CalculatorService')).stdout).toContain('rpc Add');
    const called = await grpcurl('-d', '{"a":1,"b":2}', authority, ADD);
    expect(JSON.parse(called.stdout)).toEqual({ result: '3' });
  });
});

const runGrpcurl = (args: readonly string[]) => start('/bin/sh', ['-c', 'exec grpcurl "$@"', 'sh', ...args]).ended;

/** Whether a service is public, by its name and its contract. */
function isPublic({ typeName, proto }: DescService): boolean {
  if (/^(?:rondo|grpc|xds)\./.test(typeName)) return false;
  const option = proto.options?.$unknown?.filter(({ no }) => no === 50551) ?? [];
  const bytes = Buffer.concat(option.map(({ data }) => new BinaryReader(data).bytes()));
  return ServicePolicy.decode(bytes).exposure !== Exposure.EXPOSURE_INTERNAL;
}

describe('when instances come and go', () => {
  it('translates by the contract of the instance that it picks: one with a new field gets the field', async () => {
    const added = await startService('calculator', {
      instanceId: 'calculator-new',
      registry: system.registry,
      env: { RONDO_DESCRIPTORS: descriptorsWithUnit() },
    });
    try {
      const sum = { a: 1, b: 2 };
      await eventually(async () => {
        const { status } = await askJson(`${gateway}/add`, { ...sum, unit: 'm' });
        expect(status).toBe(200);
      });
      // The others don't know the field, and one that doesn't have it may go to each of them.
      const many = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? sum : { ...sum, unit: 'm' }));
      const answers = await Promise.all(many.map((one) => askJson(`${gateway}/add`, one)));
      expect(answers.map(({ text }) => text)).toEqual(many.map(() => '{"result":3}'));
    } finally {
      await added.stop();
    }
    await eventually(async () => expect((await askJson(`${gateway}/add`, { a: 1, b: 2, unit: 'm' })).status).toBe(400));
  });

  // It stops a service: it must be the last test.
  it('says 503 with the reason, by every protocol, when the last instance of a service has left', async () => {
    process.kill(system.pid('sales-1'), 'SIGTERM');
    const path = '/sales.v1.CustomerService/ListCustomers';
    const message = 'no instance of sales.v1.CustomerService is running';
    await eventually(async () => {
      const { status, json } = await ask(`${gateway}/v1/customers`);
      expect({ status, body: json() }).toMatchObject({ status: 503, body: { code: 14, message } });
    });
    const connect = await askJson(`${gateway}${path}`, {});
    expect([connect.status, connect.json()]).toMatchObject([503, { code: 'unavailable', message }]);
    const { code, message: said } = await askGrpc(gateway, path, Buffer.alloc(0));
    expect([code, decodeURIComponent(said)]).toEqual([14, message]);
    expect((await askJson(`${gateway}/add`, { a: 1, b: 2 })).text).toBe('{"result":3}');
  });
});

/** The contracts, with one more field in `AddRequest`. */
function descriptorsWithUnit(): string {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(DESCRIPTORS));
  const file = set.file.find(({ name }) => name === 'calculator/v1/calculator.proto');
  const request = file?.messageType.find(({ name }) => name === 'AddRequest');
  if (request === undefined) throw new Error('AddRequest is not in the contract');
  request.field.push(
    create(FieldDescriptorProtoSchema, {
      name: 'unit',
      jsonName: 'unit',
      number: 100,
      label: FieldDescriptorProto_Label.OPTIONAL,
      type: FieldDescriptorProto_Type.STRING,
    }),
  );
  const path = join(system.data, 'with-unit.binpb');
  writeFileSync(path, toBinary(FileDescriptorSetSchema, set));
  return path;
}
