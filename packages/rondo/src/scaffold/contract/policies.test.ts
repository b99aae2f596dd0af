import { create, createFileRegistry, type FileRegistry, fromBinary, setExtension, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, ServiceOptionsSchema } from '@bufbuild/protobuf/wkt';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { compiled, filesIn, newFile } from '../../../test/scaffold/staged.js';
import { checkPolicies } from '../../generate/check-policies.js';

/** Services of one method or option, by a word for their kind. */
const KINDS: Readonly<Record<string, (option: string) => string>> = {
  method,
  safe,
  watch,
  reading,
  balancing,
  upload: (option) => method(option, { request: 'stream ' }),
  download: (option) => method(option, { response: 'stream ' }),
  chat: (option) => method(option, { request: 'stream ', response: 'stream ' }),
  keyed: (option) => balancing(option) + method('hash_key: {field: "name"}').replace(' // here', ''),
};

/** The services that generation refuses: the kind with its options, and the expected message below. */
const REFUSED = `
method hash_key: {field: "nme"}
  Get: hash_key.field is "nme", but p.Request has no field "nme"; it has name, owner, tags, by_name, kind, id, token
method hash_key: {field: "owner.nme"}
  Get: hash_key.field is "owner.nme", but p.Owner has no field "nme"; it has name
method hash_key: {field: "name.x"}
  Get: hash_key.field is "name.x", but name has no fields
method hash_key: {field: "owner"}
  Get: hash_key.field is "owner", but owner is a whole p.Owner; name a field of it
method hash_key: {field: "tags"}
  Get: hash_key.field is "tags", but tags is a list: which of its values would count?
method hash_key: {field: "by_name.key"}
  Get: hash_key.field is "by_name.key", but by_name is a map: which of its values would count?
upload hash_key: {field: "name"}
  Get: hash_key.field is name, and the request is a stream; name a key of metadata instead
method retry: {max_attempts: 2}
  Get: retry makes a call more than once; say that this is safe by idempotency_level = NO_SIDE_EFFECTS or IDEMPOTENT, or leave it out
safe retry: {max_attempts: 6}
  Get: retry.max_attempts is 6; it must be from 1 to 5
safe retry: {codes: [UNAVAILABLE, OK]}
  Get: retry.codes has OK, after which no call is retried; leave it out
safe retry: {backoff: {initial: {seconds: 61}}}
  Get: retry.backoff.initial is 61000 ms; it must be from 1 ms to 1 min
safe retry: {backoff: {initial: {seconds: 2} max: {seconds: 1}}}
  Get: retry.backoff.max is 1000 ms; it must be from 2 s to 1 min
method hedge: {}
  Get: hedge makes a call more than once; say that this is safe by idempotency_level = NO_SIDE_EFFECTS or IDEMPOTENT, or leave it out
method idempotency: {retention: {seconds: 60}}
  Get: idempotency names neither a field nor a metadata key
method idempotency: {field: "nme"}
  Get: idempotency.field is "nme", but p.Request has no field "nme"; it has name, owner, tags, by_name, kind, id, token
method idempotency: {field: "owner"}
  Get: idempotency.field is "owner", but owner is no string, which a key is
method idempotency: {field: "tags"}
  Get: idempotency.field is "tags", but tags is no string, which a key is
method idempotency: {metadata: "Key"}
  Get: idempotency.metadata is "Key"; a key must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin
method idempotency: {field: "name" retention: {seconds: 59}}
  Get: idempotency.retention is 59000 ms; it must be from 1 min to 8760 h
method idempotency: {field: "name" final_codes: [UNAVAILABLE]}
  Get: idempotency.final_codes has UNAVAILABLE, which says nothing final; leave it out
method idempotency: {field: "name" final_codes: [ABORTED]} retry: {codes: [ABORTED]}
  Get: idempotency.final_codes has ABORTED, which retry.codes has, too; leave it out of one
safe idempotency: {field: "name"}
  Get: idempotency is for a method that is not safe to repeat, and idempotency_level is IDEMPOTENT; leave one of the two out
watch idempotency: {metadata: "key"}
  Get: idempotency is for a method with one request and one reply; leave it out
watch hedge: {}
  Get: hedge is for unary methods: of two streams, neither is the whole answer; leave it out
safe hedge: {} retry: {max_attempts: 1}
  Get: hedge makes a second attempt, and retry.max_attempts is 1; allow 2 or more, or leave one of the two out
safe hedge: {delay: {nanos: 999999}}
  Get: hedge.delay is 0.999999 ms; it must be from 1 ms to 1 h
safe hedge: {delay: {seconds: 1}} timeout: {seconds: 1}
  Get: hedge.delay is 1000 ms, and each call ends after 1000 ms, its timeout; make it shorter
method breaker: {failure_percent: 101}
  Get: breaker.failure_percent is 101; it must be a whole number from 1 to 100
method breaker: {min_calls: -1}
  Get: breaker.min_calls is -1; it must be a whole number from 1 to 10000
method breaker: {probes: 101}
  Get: breaker.probes is 101; it must be a whole number from 1 to 100
method breaker: {window: {nanos: 999000000}}
  Get: breaker.window is 999 ms; it must be from 1 s to 10 min
method breaker: {slow_call: {seconds: 3601}}
  Get: breaker.slow_call is 3601000 ms; it must be from 1 ms to 1 h
method breaker: {slow_call: {seconds: 1}} timeout: {seconds: 1}
  Get: breaker.slow_call is 1000 ms, and each call ends after 1000 ms, its timeout; make it shorter
watch breaker: {slow_call: {seconds: 1}}
  Get: breaker.slow_call is for unary methods: the reader of a stream decides how long it lasts; leave it out
method bulkhead: {}
  Get: bulkhead.max_calls is 0; it must be a whole number from 1 to 100000
method bulkhead: {max_calls: 1 max_queued: -1}
  Get: bulkhead.max_queued is -1; it must be a whole number from 0 to 100000
method bulkhead: {max_calls: 1 queue_timeout: {seconds: 1}}
  Get: bulkhead.queue_timeout is set, and there is no queue; set bulkhead.max_queued, or leave it out
method bulkhead: {max_calls: 1 max_queued: 1 queue_timeout: {seconds: 61}}
  Get: bulkhead.queue_timeout is 61000 ms; it must be from 1 ms to 1 min
method bulkhead: {max_calls: 1 max_queued: 1 queue_timeout: {seconds: 2}} timeout: {seconds: 2}
  Get: bulkhead.queue_timeout is 2000 ms, and each call ends after 2000 ms, its timeout; make it shorter
safe cache: {ttl: {seconds: 1}}
  Get: cache needs idempotency_level = NO_SIDE_EFFECTS, as a cache answers without a call; say so, or leave it out
download cache: {ttl: {seconds: 1}}
  Get: cache is for unary methods: a stream is no answer to keep; leave it out
reading cache: {vary: ["accept-language"]}
  Get: cache.ttl is 0 ms; it must be from 1 ms to 24 h
reading cache: {ttl: {nanos: 1}}
  Get: cache.ttl is 0.000001 ms; it must be from 1 ms to 24 h
reading cache: {ttl: {seconds: 1} stale_while_revalidate: {seconds: -1}}
  Get: cache.stale_while_revalidate is -1000 ms; it must be from 0 h to 24 h
reading cache: {ttl: {seconds: 1} vary: ["Authorization"]}
  Get: cache.vary has "Authorization"; a key must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin
reading cache: {ttl: {seconds: 1} feed: {method: "Watch"}}
  Get: cache.feed.method is "Watch", and the service has no such method; name one that streams changes
reading cache: {ttl: {seconds: 1} feed: {method: "Get"}}
  Get: cache.feed.method is Get, which is no stream of replies without side effects; name one that streams changes
method hash_key: {}
  Get: hash_key names neither a field nor a metadata key
method hash_key: {metadata: "X-Tenant"}
  Get: hash_key.metadata is "X-Tenant"; a key must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin
method hash_key: {metadata: "grpc-timeout"}
  Get: hash_key.metadata is "grpc-timeout"; a key must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin
method hash_key: {metadata: "tenant-bin"}
  Get: hash_key.metadata is "tenant-bin"; a key must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin
method resume: {request: "name" response: "name"}
  Get: resume is for a method with one request and a stream of replies; leave it out
chat resume: {request: "name" response: "name"}
  Get: resume is for a method with one request and a stream of replies; leave it out
download resume: {request: "name" response: "name"}
  Get: resume calls again, which is safe for idempotency_level = NO_SIDE_EFFECTS alone; say so, or leave it out
watch resume: {request: "nme" response: "name"}
  Get: resume.request is "nme", but p.Request has no field "nme"; it has name, owner, tags, by_name, kind, id, token
watch resume: {request: "name"}
  Get: resume.response is "", but p.Request has no field ""; it has name, owner, tags, by_name, kind, id, token
watch resume: {request: "name" response: "tags"}
  Get: resume.response is "tags", but tags is no string and no bytes, of which a token is one
watch resume: {request: "kind" response: "name"}
  Get: resume.request is "kind", but kind is no string and no bytes, of which a token is one
watch resume: {request: "token" response: "name"}
  Get: resume.request is "token", but token is part of the oneof either; name one outside
watch resume: {request: "id" response: "name"}
  Get: resume names a bytes of the request and a string of the reply; both have to be the same
method timeout: {nanos: 999999}
  Get: timeout is 0.999999 ms; it must be from 1 ms to 24 h
method timeout: {seconds: 86401}
  Get: timeout is 86401000 ms; it must be from 1 ms to 24 h
watch job: {}
  Get: job is for a method with one request and one reply; leave it out
method job: {}
  Get: job calls more than once: give the method idempotency: {metadata: "idempotency-key"}, or an idempotency_level
method job: {} idempotency: {field: "name"}
  Get: job has a key of its own for each call, and idempotency.field is name: give idempotency.metadata instead
method job: {} idempotency: {metadata: "idempotency-key" retention: {seconds: 4094}}
  Get: idempotency.retention is 4094000 ms, and a job may be called again for 4095000 ms, as job has attempts and pauses; make it at least as long
method job: {max_attempts: 40} idempotency: {metadata: "idempotency-key"}
  Get: idempotency.retention is 86400000 ms, and a job may be called again for 104895000 ms, as job has attempts and pauses; make it at least as long
safe job: {schedule: {cron: "0 0 * * *" time_zone: "Mars/X"}}
  Get: job.schedule.time_zone is "Mars/X": give an IANA name, such as "Europe/Berlin"
balancing slow_start: {seconds: 3601}
  balancing: a slow start of 3601000 ms is not from 0 s to 1 h
balancing slow_start: {seconds: -1}
  balancing: a slow start of -1000 ms is not from 0 s to 1 h
balancing subset_size: 10001
  balancing: a subset of 10001 is not a whole number from 1 to 10,000
balancing subset_size: -1
  balancing: a subset of -1 is not a whole number from 1 to 10,000
keyed policy: BALANCING_POLICY_RING_HASH hash_balance_factor: 99
  balancing: a hash balance factor of 99 is not a whole number from 100 to 10,000
balancing hash_balance_factor: 125
  balancing: round_robin takes no hash balance factor, which is for ring_hash
balancing weights: WEIGHT_SOURCE_LOAD
  balancing: round_robin doesn't weigh by load, which is for weighted_round_robin
balancing policy: BALANCING_POLICY_RING_HASH
  balancing.policy is ring_hash, and no method says its key; give those that have one a hash_key in (rondo.options.v1.method)
keyed policy: BALANCING_POLICY_RING_HASH subset_size: 3
  balancing: ring_hash takes no subset, as all clients have to call the same instances: leave the subset of 3 out, or choose another policy`.trim();

const refused = [...REFUSED.matchAll(/^(\w+) (.*)\n {2}(.*)$/gm)].map(
  ([, kind = '', option = '', reason = '']) => [KINDS[kind]?.(option) ?? '', reason] as const,
);

/** The services that generation accepts. */
const taken: readonly string[] = [
  method('hash_key: {field: "name"}'),
  method('hash_key: {field: "owner.name"}'),
  method('hash_key: {field: "kind"}'),
  method('hash_key: {field: "id"}'),
  method('hash_key: {metadata: "x-tenant"}', { request: 'stream ' }),
  watch('resume: {request: "name" response: "name"}'),
  watch('resume: {request: "id" response: "id"}'),
  method('idempotency: {field: "name" final_codes: [NOT_FOUND]} retry: {max_attempts: 2} hedge: {}'),
  method('idempotency: {metadata: "idempotency-key" retention: {seconds: 60}}'),
  method('timeout: {nanos: 1000000}'),
  method('job: {schedule: {cron: "0 9 * * MON-FRI"}} idempotency: {metadata: "idempotency-key"}'),
  method('job: {} idempotency: {metadata: "idempotency-key" retention: {seconds: 4095}}'),
  method('job: {max_attempts: 1} idempotency: {metadata: "idempotency-key" retention: {seconds: 60}}'),
  method('timeout: {seconds: 86400}'),
  balancing('policy: BALANCING_POLICY_RING_HASH') + method('hash_key: {field: "name"}'),
  balancing('policy: BALANCING_POLICY_WEIGHTED_ROUND_ROBIN weights: WEIGHT_SOURCE_LOAD'),
  balancing('policy: BALANCING_POLICY_LEAST_REQUEST slow_start: {} subset_size: 10000'),
  balancing('slow_start: {seconds: 3600} subset_size: 1'),
  method('breaker: {} bulkhead: {max_calls: 1}'),
  method(
    'breaker: {failure_percent: 100 slow_call: {seconds: 3600} window: {seconds: 600} min_calls: 10000 probes: 100}',
  ),
  watch('breaker: {} bulkhead: {max_calls: 100000 max_queued: 100000 queue_timeout: {seconds: 60}}'),
];

function method(option: string, { request = '', response = '', level = '' } = {}): string {
  return `  rpc Get(${request}Request) returns (${response}Request) {\n${level}    option (rondo.options.v1.method) = {${option}}; // here\n  }\n`;
}

/** A server-streaming method that may be called again. */
function watch(option: string): string {
  return method(option, { response: 'stream ', level: '    option idempotency_level = NO_SIDE_EFFECTS;\n' });
}

/** A unary method without side effects. */
function reading(option: string): string {
  return method(option, { level: '    option idempotency_level = NO_SIDE_EFFECTS;\n' });
}

/** A unary method that may be called again. */
function safe(option: string): string {
  return method(option, { level: '    option idempotency_level = IDEMPOTENT;\n' });
}

function balancing(setting: string): string {
  return `  option (rondo.options.v1.service) = {balancing: {${setting}}}; // here\n`;
}

const HEAD = `syntax = "proto3";
package p;
import "rondo/options/v1/options.proto";
message Request {
  string name = 1;
  Owner owner = 2;
  repeated string tags = 3;
  map<string, string> by_name = 4;
  Kind kind = 5;
  bytes id = 6;
  oneof either { string token = 7; }
}
message Owner { string name = 1; }
enum Kind { KIND_UNSPECIFIED = 0; }
`;

const contractOf = (bodies: readonly string[]) =>
  HEAD + bodies.map((body, index) => `service S${index} {\n${body}}\n`).join('');

const refusedText = contractOf(refused.map(([body]) => body));
const takenText = contractOf(taken).replace('package p', 'package q');

/** A method whose answers end by a feed that needs `scopes`. */
const followed = (scopes: string) =>
  reading('cache: {ttl: {seconds: 1} feed: {method: "Watch"}} auth: {scopes: ["p.read", "p.list"]}') +
  watch(`auth: {scopes: ${scopes}}`).replace('rpc Get', 'rpc Watch').replace(' // here', '');
const unruled = `  rpc Other(Request) returns (Request);\n`;
/** Who may call a method: the first is accepted. */
const ruled = {
  'ruled.proto': contractOf([
    method('auth: {scopes: "p.read"}'),
    method('auth: {callers: "sales"}'),
    safe('job: {} auth: {callers: ["sales", "auth0"]}'),
    safe('job: {} auth: {callers: "*"}'),
    `  option (rondo.options.v1.service) = {served_by: "cleaner"};\n${safe('job: {} auth: {callers: "cleaner"}')}`,
  ]),
  'followed.proto': contractOf([followed('"p.list"')]),
  'unfollowed.proto': contractOf([followed('["p.read", "p.write"]')]),
  'empty.proto': contractOf([method('auth: {}')]),
  'job.proto': contractOf([safe('job: {} auth: {scopes: "p.read"}')]),
  'foreign-job.proto': contractOf([safe('job: {} auth: {callers: ["sales", "shop"]}')]),
  'unruled.proto': contractOf([method('auth: {public: true}') + unruled]),
};

let registry: FileRegistry;
let reported: readonly string[];
let ruledFaults: readonly string[];

const check = (...names: readonly string[]) => checkPolicies(filesIn(registry, ...names));

beforeAll(async () => {
  const rules = Object.entries(ruled).map(([name, text], index) =>
    newFile(name, text.replace('package p', `package auth${index}`)),
  );
  registry = await compiled(newFile('refused.proto', refusedText), newFile('taken.proto', takenText), ...rules);
  reported = check('refused.proto');
  ruledFaults = check(...Object.keys(ruled));
});

describe('a contract whose options contradict each other', () => {
  it.each(refused.map(([, reason], index) => [reason, index] as const))(
    'is refused where it stands: %s',
    (reason, index) => {
      const lines = refusedText.split('\n').flatMap((line, at) => (line.endsWith('// here') ? [at + 1] : []));
      expect(reported).toHaveLength(refused.length);
      const name = reason.startsWith('balancing') ? `S${index}: ` : `S${index}.`;
      expect(reported[index]).toBe(`proto/refused.proto:${lines[index]}: ${name}${reason}`);
    },
  );

  it('is refused if it names a policy by an unknown number', () => {
    const file = [...registry.files].map(({ proto }) => proto);
    const set = fromBinary(
      FileDescriptorSetSchema,
      toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file })),
    );
    const [service] = set.file.find(({ name }) => name === 'taken.proto')?.service ?? [];
    const extension = registry.getExtension('rondo.options.v1.service');
    const type = registry.getMessage('rondo.options.v1.ServicePolicy');
    if (service === undefined || extension === undefined || type === undefined) throw new Error('not compiled');
    service.options = create(ServiceOptionsSchema);
    setExtension(service.options, extension, create(type, { balancing: { policy: 77, weights: 78 } }));
    expect(checkPolicies(filesIn(createFileRegistry(set), 'taken.proto'))).toEqual([
      expect.stringMatching(/: S0: balancing: this version doesn't know policy 77$/),
    ]);
  });
});

it('a contract with consistent options is accepted, and one that is not requested is not checked', () => {
  expect(check('taken.proto')).toEqual([]);
  expect(check()).toEqual([]);
});

describe('who may call a method', () => {
  it.each([
    [
      'unfollowed',
      "Get: cache.feed.method is Watch, which needs the scope p.write, and Get doesn't; give both the same scopes",
    ],
    ['empty', 'Get: auth is empty; give public, scopes or callers'],
    [
      'job',
      'Get: job acts for no principal, and auth.scopes has p.read: give auth.callers with the name of the service itself',
    ],
    [
      'foreign-job',
      'Get: job is called by auth5, which serves auth5.S0, and auth.callers has sales, shop: name auth5 there, too',
    ],
    [
      'unruled',
      'Other: has no auth, unlike other methods of its package, so no caller could call it; say in (rondo.options.v1.method).auth who may: public, scopes or callers',
    ],
  ])('%s is refused', (name, reason) => {
    const faults = ruledFaults.filter((fault) => fault.startsWith(`proto/${name}.proto:`));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(reason);
  });

  it('a package in which each method has a rule is accepted, and so is one without any', () => {
    expect(ruledFaults.filter((fault) => fault.startsWith('proto/ruled.proto:'))).toEqual([]);
    expect(ruledFaults).toHaveLength(5);
  });
});
