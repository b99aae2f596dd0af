import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toDynamicMethod } from '@rondo/schema';
import { exampleOf } from '@rondo/schema/form';
import { formatPolicy, formatTypes } from '../src/commands/describe.js';
import { compile } from './compile.js';
import { startFakeRegistry } from './fake-registry.js';
import { rondo } from './recording-context.js';
import { startAdder } from './services.js';

const ownDescriptors = new URL('../../contracts/descriptors.binpb', import.meta.url);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const ADDER = 'rondo.conformance.v1.AdderService';

let registry: Awaited<ReturnType<typeof startFakeRegistry>>;
let adder: Awaited<ReturnType<typeof startAdder>>;
let environment: { RONDO_REGISTRY: string };

beforeAll(async () => {
  registry = await startFakeRegistry();
  environment = { RONDO_REGISTRY: registry.address };
  adder = await startAdder('adder-1', registry.address);
  await registry.until('adder-1', 'INSTANCE_STATUS_SERVING');
});

afterAll(async () => {
  await adder.drain();
  await registry.stop();
});

const run = (...args: readonly string[]) => rondo(['describe', ...args], { environment });

it('prints the methods of a service, with how they are called', async () => {
  const { exitCode, stdout } = await run('AdderService');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(new RegExp(`^service ${ADDER} \\{\n`));
  expect(stdout).toContain(
    '  rpc Add(rondo.conformance.v1.AddRequest) returns (rondo.conformance.v1.AddResponse);  // no side effects',
  );
});

it('says of which methods a call takes effect once, and by which key', () => {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(ownDescriptors)));
  const policies = registry.getService('rondo.conformance.v1.KeyedService')?.methods.map((method) => {
    return formatPolicy(toDynamicMethod(method));
  });
  expect(policies).toEqual(['once for each request_id', 'once for each idempotency-key']);
});

it('prints the messages of a method, and a command line that works', async () => {
  const { exitCode, stdout } = await run('AdderService/Add');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('message rondo.conformance.v1.AddRequest {\n  int64 a = 1;\n  int64 b = 2;\n}\n');
  const [, method = '', request = ''] = /^rondo call (\S+) '(.*)'$/m.exec(stdout) ?? [];
  expect({ method, request }).toEqual({ method: `${ADDER}/Add`, request: '{"a":1,"b":1}' });
  expect(await rondo(['call', method, request], { environment })).toMatchObject({ exitCode: 0 });
});

it('prints a command line that calls the server that was asked', async () => {
  const lastLine = async (...args: readonly string[]) => {
    const { stdout } = await rondo(['describe', 'AdderService/Add', ...args], { environment: {}, repository: root });
    return stdout.trimEnd().split('\n').at(-1);
  };
  const call = `./rondo call ${ADDER}/Add '{"a":1,"b":1}'`;
  expect(await lastLine('--registry', registry.address)).toBe(`${call} --registry ${registry.address}`);
  expect(await lastLine('--address', adder.address)).toBe(`${call} --address ${adder.address}`);
});

it('asks a server by its address, and answers programs in JSON', async () => {
  const { stdout } = await rondo(['describe', 'AdderService/Add', '--address', adder.address, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    service: ADDER,
    methods: [
      { name: 'Add', requestType: 'rondo.conformance.v1.AddRequest', requestStream: false, example: { a: 1, b: 1 } },
    ],
  });
});

it('has its reply coloured for people, and not for programs', async () => {
  const method = `${ADDER}/Add`;
  const colored = await rondo(['call', method, '{"a": 2, "b": 3}'], { environment, color: true });
  expect(colored.stdout).toBe('{\n  \u001b[36m"result"\u001b[39m: \u001b[32m"5"\u001b[39m\n}\n');
  const json = await rondo(['call', method, '{"a": 2, "b": 3}', '--json'], { environment, color: true });
  expect(json.stdout).toBe('{"result":"5"}\n');
});

it('lists what there is if a service or method is unknown', async () => {
  expect(await run('Addr')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('Did you mean') });
  expect(await run('AdderService/Ad')).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('Did you mean "Add"?'),
  });
  expect((await run()).exitCode).toBe(2);
});

const SAMPLE = `syntax = "proto3"; package sample.v1;
  import "google/protobuf/duration.proto";
  enum Color { COLOR_UNSPECIFIED = 0; COLOR_RED = 1; }
  message Sample {
    int32 small = 1; bool flag = 2; string some_text = 3; Color color = 4; Sample child = 5;
    repeated int64 numbers = 6; map<string, int32> counts = 7; google.protobuf.Duration lasts = 8;
    oneof choice { string left = 9; int64 right = 10; }
  }`;

async function sample() {
  const set = fromBinary(FileDescriptorSetSchema, await compile({ 'sample.proto': SAMPLE }));
  const found = createFileRegistry(set).getMessage('sample.v1.Sample');
  if (found === undefined) throw new Error('the compiled file lacks sample.v1.Sample');
  return found;
}

describe('a message with a field of each kind', () => {
  it('is declared as a .proto has it', async () => {
    const declared = formatTypes([await sample()]);
    expect(declared).toMatch(/ {2}sample\.v1\.Color color = \d+;\n {2}sample\.v1\.Sample child = \d+;/);
    expect(declared).toMatch(/ {2}map<string, int32> counts = \d+;/);
    expect(declared).toMatch(/ {2}repeated int64 numbers = \d+;/);
    expect(declared).toMatch(/ {2}oneof choice \{\n {4}string left = \d+;\n {4}int64 right = \d+;\n {2}\}/);
    expect(declared).toContain('enum sample.v1.Color {\n  COLOR_UNSPECIFIED = 0;\n  COLOR_RED = 1;\n}');
  });

  it('has its rules and its behavior next to its fields', () => {
    const set = fromBinary(FileDescriptorSetSchema, readFileSync(ownDescriptors));
    const order = createFileRegistry(set).getMessage('sales.v1.Order');
    const fields = formatTypes(order === undefined ? [] : [order]);
    expect(fields).toContain('  string name = 1;  // OUTPUT_ONLY\n');
    expect(fields).toContain('  string customer = 3;  // REQUIRED, ignore = IGNORE_IF_ZERO_VALUE, string.pattern');
    const message = createFileRegistry(set).getMessage('rondo.conformance.v1.CheckCelRequest');
    const declared = formatTypes(message === undefined ? [] : [message]);
    expect(declared).toContain(
      'message rondo.conformance.v1.CelRules {  // cel = first must not be greater than last\n  int32 first = 1;  // int32.gte = 0\n',
    );
    expect(declared).toContain("  string name = 3;  // cel = this.startsWith('n') ? '' : 'must begin with n'\n");
  });

  it('has an example that names each field, to a depth that ends', async () => {
    const example = exampleOf(await sample());
    expect(example).toMatchObject({
      small: 1,
      flag: false,
      someText: '',
      color: 'COLOR_RED',
      numbers: [1],
      counts: { key: 1 },
      lasts: '1.5s',
      left: '',
      child: { child: {} },
    });
    expect(example).not.toHaveProperty('right');
  });
});
