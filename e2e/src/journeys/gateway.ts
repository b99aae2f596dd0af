import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFileRegistry, type DescService, fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Exposure, ServicePolicy } from '@rondo/contracts/rondo/options/v1/options';
import { root, start } from '@rondo/harness';
import { ask } from '../front-door.js';
import { system } from './system.js';

const ADD = 'calculator.v1.CalculatorService/Add';
/** What the gateway serves itself; `npm start` has the console at the same address. */
const OWN = [
  'rondo.gateway.v1.ConsoleService',
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
});

describe('what is exposed', () => {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(join(root, 'packages/contracts/descriptors.binpb')));
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
