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
import { ask, askGrpc, askJson, envelope } from '../front-door.js';
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
