import { describe, expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { KeyedServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/keyed';
import { Compression, type MethodPolicy, ServicePolicy, Transport } from '@rondo/contracts/rondo/options/v1/options';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { encodedPolicy, METHOD_TAG } from '../../test/support/contract.js';
import { Status } from '../status/code.js';
import type { MethodDefinition } from './definition.js';
import { methodsOf } from './method.js';
import { policyOf, SERVICE_TAG } from './policy.js';

const { unary, serverStream, bidiStream } = ConformanceServiceDefinition.methods;
/** A method with options as the generator leaves them: each entry is length-prefixed. */
function withOptions(entries: readonly Uint8Array[], method: MethodDefinition = unary): MethodDefinition {
  return { ...method, options: { _unknownFields: { [METHOD_TAG]: entries } } };
}

const encoded = (seconds: bigint, nanos = 0) => encodedPolicy({ timeout: { seconds, nanos } });

/** As {@link withOptions}, for an idempotent method with resume fields. */
function resuming(method: MethodDefinition, resume = { request: 'resume_token', response: 'next.token' }) {
  const { options } = withOptions([encodedPolicy({ resume })]);
  return { ...method, options: { ...options, idempotencyLevel: 'NO_SIDE_EFFECTS' } };
}

/** A method that is safe to repeat, with a policy. */
function safely(option: Partial<MethodPolicy>): MethodDefinition {
  const { options } = withOptions([encodedPolicy(option)]);
  return { ...unary, options: { ...options, idempotencyLevel: 'IDEMPOTENT' } };
}

const NO_RETRY = { maxAttempts: 0, codes: [], backoff: undefined };

describe('the policy in a contract', () => {
  it('is read from the generated definitions', () => {
    expect(policyOf(unary, '/s/Unary')).toEqual({ timeoutMs: 5_000, idempotency: 'no_side_effects' });
    const { register, watch } = RegistryServiceDefinition.methods;
    expect(policyOf(register, '/s/Register')).toEqual({
      timeoutMs: 3_000,
      idempotency: 'idempotent',
      priority: 'critical',
      auth: { scopes: [], callers: ['*'] },
    });
    expect(policyOf(watch, '/s/Watch')).toEqual({
      timeoutMs: undefined,
      idempotency: 'no_side_effects',
      priority: 'critical',
      auth: { scopes: [], callers: ['*'] },
    });
  });

  it('has defaults: no limit in the contract, 10 s for a unary call without a deadline, not idempotent', () => {
    const silent = { timeoutMs: undefined, idempotency: 'unknown' };
    expect(policyOf({ ...unary, options: {} }, '/s/M')).toEqual({ ...silent, defaultTimeoutMs: 10_000 });
    expect(policyOf({ ...serverStream, options: {} }, '/s/M')).toEqual({ ...silent, defaultTimeoutMs: undefined });
  });

  it('may set the deadline of a stream, and parts of a second', () => {
    expect(policyOf(withOptions([encoded(60n)], serverStream), '/s/M').timeoutMs).toBe(60_000);
    expect(policyOf(withOptions([encoded(1n, 500_000_000)]), '/s/M').timeoutMs).toBe(1_500);
  });

  it.each([
    [Compression.COMPRESSION_GZIP, 'gzip'],
    [Compression.COMPRESSION_IDENTITY, 'identity'],
    [Compression.COMPRESSION_UNSPECIFIED, undefined],
  ])('sets the compression of requests: %s', (compression, read) => {
    expect(policyOf(withOptions([encodedPolicy({ compression })]), '/s/M').compression).toBe(read);
  });

  it('is the last one if an option is set twice', () => {
    expect(policyOf(withOptions([encoded(1n), encoded(2n)]), '/s/M').timeoutMs).toBe(2_000);
  });

  it.each([
    ['no time at all', 0n, 0],
    ['less than no time', -1n, 0],
    ['under a millisecond', 0n, 999_999],
    ['over a day', 86_400n, 1_000_000],
  ])('is refused if it allows %s: the error names the method and the bounds', (_name, seconds, nanos) => {
    const bad = withOptions([encoded(seconds, nanos)]);
    expect(() => policyOf(bad, '/s.S/M')).toThrow(
      /^\/s\.S\/M: \(rondo\.options\.v1\.method\)\.timeout .* from 1 ms to 24 h$/,
    );
    expect(() => policyOf(bad, '/s.S/M')).toThrow(TypeError);
  });

  it('says how calls are retried and hedged, with defaults filled in', () => {
    const policy = (option: Partial<MethodPolicy>) => policyOf(safely(option), '/s/M');
    expect(policy({}).retry).toBeUndefined();
    const defaults = { maxAttempts: 3, codes: new Set([Status.UNAVAILABLE]), backoff: { initialMs: 10, maxMs: 1_000 } };
    expect(policy({ retry: NO_RETRY }).retry).toEqual(defaults);
    const backoff = { initial: { seconds: 2n, nanos: 500_000_000 }, max: undefined };
    expect(policy({ retry: { maxAttempts: 5, codes: [10, 14], backoff } }).retry).toEqual({
      maxAttempts: 5,
      codes: new Set([Status.ABORTED, Status.UNAVAILABLE]),
      backoff: { initialMs: 2_500, maxMs: 2_500 },
    });
    expect(policy({ hedge: { delay: { seconds: 0n, nanos: 50_000_000 } } }).hedge).toEqual({ delayMs: 50 });
    expect(policy({ hedge: { delay: undefined } }).hedge).toEqual({ delayMs: undefined });
    expect(policy({ waitForReady: true }).waitForReady).toBe(true);
    expect(policy({}).waitForReady).toBeUndefined();
  });

  it.each<[string, Partial<MethodPolicy>]>([
    ['.retry.codes has 99, which is no status code of gRPC', { retry: { ...NO_RETRY, codes: [Number('99')] } }],
    ['.hedge.delay is 3600001 ms; it must be from 1 ms to 1 h', { hedge: { delay: { seconds: 3_600n, nanos: 1e6 } } }],
  ])('is refused: %s', (fault, option) => {
    expect(() => policyOf(safely(option), '/s.S/M')).toThrow(`/s.S/M: (rondo.options.v1.method)${fault}`);
  });

  it('is refused if a method that may have side effects is retried or hedged', () => {
    const options = { retry: { retry: NO_RETRY }, hedge: { hedge: { delay: undefined } } };
    for (const [name, option] of Object.entries(options)) {
      expect(() => policyOf(withOptions([encodedPolicy(option)]), '/s.S/M')).toThrow(
        `/s.S/M: (rondo.options.v1.method).${name} makes a call more than once; say that this is safe by idempotency_level`,
      );
    }
  });

  it('says how long answers are kept', () => {
    const reading = (option: Partial<MethodPolicy>) => {
      const { options } = safely(option);
      return policyOf({ ...unary, options: { ...options, idempotencyLevel: 'NO_SIDE_EFFECTS' } }, '/s.S/M');
    };
    const ttl = { seconds: 60n, nanos: 0 };
    const cache = {
      ttl,
      staleWhileRevalidate: { seconds: 0n, nanos: 500_000_000 },
      vary: ['accept-language'],
      feed: undefined,
    };
    expect(reading({ cache }).cache).toEqual({ ttlMs: 60_000, staleMs: 500, vary: ['accept-language'] });
    expect(reading({ cache: { ...cache, feed: { method: 'Watch', key: 'entry_name' } } }).cache?.feed).toEqual({
      method: 'Watch',
      key: 'entryName',
    });
    expect(reading({}).cache).toBeUndefined();
    expect(() => policyOf(safely({ cache }), '/s.S/M')).toThrow('.cache needs idempotency_level = NO_SIDE_EFFECTS');
    const faults: readonly [Partial<MethodPolicy>, string][] = [
      [{ cache: { ...cache, vary: ['grpc-x'] } }, '.cache.vary has "grpc-x"; a key must be of a-z 0-9'],
      [{ cache: { ...cache, vary: Array(17).fill('a') } }, '.cache.vary has 17 keys; 16 are the most'],
    ];
    for (const [option, fault] of faults) expect(() => reading(option)).toThrow(fault);
  });

  it('has idempotency keys, with which a call is repeated like an idempotent one', () => {
    const { createEntry, addEntry } = KeyedServiceDefinition.methods;
    const policy = policyOf(createEntry, '/s/CreateEntry');
    expect(policy.idempotency).toBe('idempotent');
    expect(policy.key).toMatchObject({
      source: { from: 'field', name: 'requestId', inContract: 'request_id' },
      retentionMs: 3_600_000,
      finalCodes: new Set([Status.FAILED_PRECONDITION]),
    });
    expect(policyOf(addEntry, '/s/AddEntry').key).toMatchObject({
      source: { from: 'metadata', key: 'idempotency-key' },
      retentionMs: 24 * 3_600_000,
    });
    expect(policyOf(unary, '/s/Unary').key).toBeUndefined();
  });

  it('has no key if the codes that end a call are none of gRPC', () => {
    const source = { $case: 'field', value: 'request_id' } as const;
    const idempotency = { source, retention: undefined, finalCodes: [Number('99')] };
    const { options } = withOptions([encodedPolicy({ idempotency })]);
    expect(() => policyOf({ ...unary, options }, '/s.S/M')).toThrow(
      '/s.S/M: (rondo.options.v1.method).idempotency.final_codes has 99, which is no status code of gRPC',
    );
  });

  it('names the fields by which a broken stream resumes, by their names in code', () => {
    const named = resuming(serverStream, { request: 'resume_token', response: 'next_token' });
    expect(policyOf(named, '/s/M').resume).toEqual({ request: 'resumeToken', response: 'nextToken' });
    expect(policyOf(serverStream, '/s/M').resume).toBeUndefined();
  });

  it.each([
    ['a unary method', resuming(unary), 'goes with one request and a stream of replies alone'],
    ['a stream of requests', resuming(bidiStream), 'goes with one request and a stream of replies alone'],
    [
      'a method that is not safe',
      { ...resuming(serverStream), options: { ...resuming(serverStream).options, idempotencyLevel: 'IDEMPOTENT' } },
      'needs idempotency_level = NO_SIDE_EFFECTS: it calls again',
    ],
    [
      'no field',
      resuming(serverStream, { request: '', response: 'next' }),
      'has to name a field of the request and one of the reply',
    ],
  ])('is refused if %s is to be resumed', (_name, bad, reason) => {
    expect(() => policyOf(bad, '/s.S/M')).toThrow(`/s.S/M: (rondo.options.v1.method).resume ${reason}`);
  });

  it('comes with each method of a service', () => {
    const methods = methodsOf(ConformanceServiceDefinition);
    expect(methods.get('bidiStream')).toMatchObject({
      service: 'rondo.conformance.v1.ConformanceService',
      path: '/rondo.conformance.v1.ConformanceService/BidiStream',
      requestStream: true,
      responseStream: true,
      policy: { timeoutMs: undefined },
    });
  });

  it('says by the option of the service that its calls go by gRPC', () => {
    const { options } = unary;
    const withTransport = (transport: Transport): MethodDefinition => {
      const bytes = ServicePolicy.encode(ServicePolicy.fromPartial({ transport })).finish();
      return {
        ...unary,
        options: { ...options, _unknownFields: { [SERVICE_TAG]: [Buffer.from([bytes.length, ...bytes])] } },
      };
    };
    expect(policyOf(withTransport(Transport.TRANSPORT_GRPC), '/s/Unary').plain).toBe(true);
    expect(policyOf(withTransport(Transport.TRANSPORT_UNSPECIFIED), '/s/Unary').plain).toBeUndefined();
    expect(policyOf(unary, '/s/Unary').plain).toBeUndefined();
  });
});
