import { readFileSync } from 'node:fs';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { toDynamicMethod } from './contract.js';
import { methodOf } from './method.js';
import { policyFieldsOf } from './policy-fields.js';

const descriptors = new URL('../../contracts/descriptors.binpb', import.meta.url);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptors)));

function methodNamed(name: string) {
  const service = registry.getService('rondo.conformance.v1.ConformanceService');
  const method = service?.methods.find((one) => one.name === name);
  if (method === undefined) throw new Error(`no method is named ${name}`);
  return toDynamicMethod(method);
}

const policy = { timeoutMs: undefined, defaultTimeoutMs: undefined, idempotency: 'unknown' } as const;
const byField = (...path: readonly string[]) => ({ ...policy, hashKey: { from: 'field', path } }) as const;

describe('the fields that a policy names', () => {
  it('are part of the method: the tokens of a stream that is resumed', () => {
    expect(methodOf(methodNamed('Follow'))?.policyFields).toEqual({ resume: { request: 2, response: 2 } });
    expect(methodOf(methodNamed('Unary'))?.policyFields).toEqual({});
  });

  it('are found by their names in code: the key of a call', () => {
    const method = methodNamed('Unary');
    expect(policyFieldsOf(byField('text'), method)).toEqual({ hashKey: { path: [2], type: 9 } });
    expect(policyFieldsOf(byField('behaviour', 'errorReason'), method)).toEqual({ hashKey: { path: [3, 4], type: 9 } });
    expect(policyFieldsOf(byField('behaviour', 'code'), method)).toEqual({ hashKey: { path: [3, 1], type: 5 } });
  });

  it('are left out if the messages have no such fields, or none of a fitting type', () => {
    const method = methodNamed('Follow');
    expect(policyFieldsOf(byField('behaviour'), method)).toEqual({});
    expect(policyFieldsOf(byField('count', 'text'), method)).toEqual({});
    expect(policyFieldsOf({ ...policy, hashKey: { from: 'metadata', key: 'tenant' } }, method)).toEqual({});
    expect(policyFieldsOf({ ...policy, resume: { request: 'resumeToken', response: 'index' } }, method)).toEqual({});
    expect(policyFieldsOf({ ...policy, resume: { request: 'none', response: 'resumeToken' } }, method)).toEqual({});
  });
});
