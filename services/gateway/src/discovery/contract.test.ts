import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { hashOf, readMethod } from './contract.js';
import { isPublic } from './exposure.js';

const set = fromBinary(
  FileDescriptorSetSchema,
  readFileSync(new URL('../../../../packages/contracts/descriptors.binpb', import.meta.url)),
);
const registry = createFileRegistry(set);
const files = set.file.map((proto) => ({ proto, bytes: toBinary(FileDescriptorProtoSchema, proto) }));

function method(service: string, name: string) {
  const desc = registry.getService(service)?.methods.find((one) => one.name === name);
  if (desc === undefined) throw new Error(`${service}/${name} is missing`);
  return readMethod(desc, []).method;
}

describe('a method', () => {
  it('has its policy, and where the fields are that the policy names', () => {
    const follow = method('rondo.conformance.v1.ConformanceService', 'Follow');
    expect(follow.policy.resume).toBeDefined();
    expect(follow.policyFields).toEqual({ resume: { request: 2, response: 2 } });
    expect(method('rondo.conformance.v1.AdderService', 'Add').policyFields).toEqual({});
  });
});

describe('the hash of a contract', () => {
  it('depends on each byte and each name, and not on the order', () => {
    const [one, other] = files;
    if (one === undefined || other === undefined) throw new Error('there are two files');
    const hash = hashOf([one, other]);
    expect(hashOf([other, one])).toBe(hash);
    expect(hashOf([one])).not.toBe(hash);
    expect(hashOf([{ ...one, bytes: other.bytes }, other])).not.toBe(hash);
    expect(hashOf([{ ...one, proto: other.proto }, other])).not.toBe(hash);
  });
});

describe('the contracts of this repository', () => {
  it('have their comments, which OpenAPI shows, and bring none of others', () => {
    const commented = set.file.filter(({ sourceCodeInfo }) => sourceCodeInfo !== undefined);
    const gateway = commented.find(({ name }) => name === 'rondo/gateway/v1/gateway.proto');
    // The path of the first service.
    const location = gateway?.sourceCodeInfo?.location.find(({ path }) => path.join() === '6,0');
    expect(location?.leadingComments).toMatch(/\w/);
    expect(commented.filter(({ name }) => /^(?:google|buf|grpc|xds)\//.test(name))).toEqual([]);
  });

  it('keep infrastructure inside', () => {
    const services = set.file.flatMap(({ package: scope, service }) => service.map(({ name }) => `${scope}.${name}`));
    const exposed = services.filter((name) => {
      const desc = registry.getService(name);
      return desc !== undefined && isPublic(desc);
    });
    expect(services).toContain('rondo.registry.v1.RegistryService');
    expect(exposed.filter((name) => /^(?:rondo|grpc|xds|etcd)/.test(name))).toEqual([]);
  });
});
