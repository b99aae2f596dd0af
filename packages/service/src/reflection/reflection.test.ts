import { describe, expect, it } from '@jest/globals';
import { FileDescriptorProto } from '@rondo/contracts/google/protobuf/descriptor';
import {
  ServerReflectionDefinition,
  type ServerReflectionResponse,
} from '@rondo/contracts/grpc/reflection/v1/reflection';
import { ServerReflectionDefinition as V1Alpha } from '@rondo/contracts/grpc/reflection/v1alpha/reflection';
import { createClient } from '@rondo/rpc/client';
import { Status } from '@rondo/rpc/status';
import { createTestChannel } from '@rondo/rpc/testing';
import { createReflection } from './reflection.js';

/** No schema has field 99 of a file. It stands for custom options, which must survive. */
const UNKNOWN_FIELD = Buffer.from([0x9a, 0x06, 0x02, 0x68, 0x69]);

function fileBytes(partial: Parameters<typeof FileDescriptorProto.fromPartial>[0]): Buffer {
  return Buffer.concat([FileDescriptorProto.encode(FileDescriptorProto.fromPartial(partial)).finish(), UNKNOWN_FIELD]);
}

const base = fileBytes({
  name: 'base.proto',
  package: 'shop.v1',
  messageType: [
    { name: 'Price', field: [{ name: 'units' }], nestedType: [{ name: 'Tax', enumType: [{ name: 'Kind' }] }] },
  ],
  enumType: [{ name: 'Unit', value: [{ name: 'UNIT_EACH' }] }],
});
const shop = fileBytes({
  name: 'shop.proto',
  package: 'shop.v1',
  dependency: ['base.proto'],
  service: [{ name: 'ShopService', method: [{ name: 'Buy' }] }],
  extension: [
    { name: 'discount', number: 102, extendee: '.shop.v1.Price' },
    { name: 'rebate', number: 101, extendee: '.shop.v1.Price' },
  ],
});

/** A set's encoding: field 1, length-delimited, once per file. */
function descriptorSet(files: readonly Buffer[]): Uint8Array {
  return Buffer.concat(files.map((bytes) => Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes])));
}

const services = createReflection({ services: ['shop.v1.ShopService'], descriptorSet: descriptorSet([base, shop]) });
const channel = createTestChannel({ services });
type Question = NonNullable<ServerReflectionResponse['originalRequest']>['messageRequest'];

async function ask(...questions: readonly Question[]): Promise<readonly ServerReflectionResponse['messageResponse'][]> {
  const client = createClient(ServerReflectionDefinition, { channel });
  async function* requests() {
    for (const messageRequest of questions) yield { host: 'here', messageRequest };
  }
  const answers: ServerReflectionResponse['messageResponse'][] = [];
  for await (const { messageResponse } of client.serverReflectionInfo(requests())) answers.push(messageResponse);
  return answers;
}

const filesOf = (answer: ServerReflectionResponse['messageResponse']) =>
  answer?.$case === 'fileDescriptorResponse' ? answer.value.fileDescriptorProto : [];

describe('reflection', () => {
  it('lists the services of this process and of reflection', async () => {
    const [answer] = await ask({ $case: 'listServices', value: '' });
    const names = answer?.$case === 'listServicesResponse' ? answer.value.service.map(({ name }) => name) : [];
    expect(names).toEqual([
      'shop.v1.ShopService',
      'grpc.reflection.v1.ServerReflection',
      'grpc.reflection.v1alpha.ServerReflection',
    ]);
  });

  it('serves v1alpha, too', async () => {
    async function* requests() {
      yield { messageRequest: { $case: 'fileByFilename' as const, value: 'base.proto' } };
    }
    for await (const { messageResponse } of createClient(V1Alpha, { channel }).serverReflectionInfo(requests())) {
      expect(messageResponse?.$case).toBe('fileDescriptorResponse');
    }
  });

  it.each(['shop.v1.ShopService', 'shop.v1.ShopService.Buy', 'shop.v1.discount'])(
    'finds the file of %s and its imports, byte for byte',
    async (symbol) => {
      const [answer] = await ask({ $case: 'fileContainingSymbol', value: symbol });
      expect(filesOf(answer)).toEqual([shop, base]);
    },
  );

  it.each([
    'shop.v1.Price',
    'shop.v1.Price.units',
    'shop.v1.Price.Tax',
    'shop.v1.Price.Tax.Kind',
    'shop.v1.Unit',
    'shop.v1.UNIT_EACH',
  ])('finds the file of %s', async (symbol) => {
    expect(filesOf((await ask({ $case: 'fileContainingSymbol', value: symbol }))[0])).toEqual([base]);
  });

  it('sends a file again on the same stream only if it is requested again', async () => {
    const answers = await ask(
      { $case: 'fileByFilename', value: 'base.proto' },
      { $case: 'fileByFilename', value: 'shop.proto' },
      { $case: 'fileByFilename', value: 'base.proto' },
    );
    expect(answers.map(filesOf)).toEqual([[base], [shop], [base]]);
  });

  it('knows extensions by message and number', async () => {
    const containingType = 'shop.v1.Price';
    const [file, numbers] = await ask(
      { $case: 'fileContainingExtension', value: { containingType, extensionNumber: 101 } },
      { $case: 'allExtensionNumbersOfType', value: containingType },
    );
    expect(filesOf(file)).toEqual([shop, base]);
    expect(numbers).toEqual({
      $case: 'allExtensionNumbersResponse',
      value: { baseTypeName: containingType, extensionNumber: [101, 102] },
    });
  });

  it.each<Question>([
    { $case: 'fileByFilename', value: 'none.proto' },
    { $case: 'fileContainingSymbol', value: 'shop.v1.None' },
    { $case: 'fileContainingExtension', value: { containingType: 'shop.v1.Price', extensionNumber: 1 } },
    { $case: 'allExtensionNumbersOfType', value: 'shop.v1.None' },
  ])('replies to an unknown name with an error, and goes on: %j', async (question) => {
    const [error, list] = await ask(question, { $case: 'listServices', value: '' });
    expect(error).toMatchObject({ $case: 'errorResponse', value: { errorCode: Status.NOT_FOUND } });
    expect(list?.$case).toBe('listServicesResponse');
  });
});
