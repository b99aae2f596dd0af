import { createHash } from 'node:crypto';
import type { DescMethod, DescService, Registry } from '@bufbuild/protobuf';
import type { Method } from '@rondo/rpc/internal';
import { loadSchema, methodOf, type ReflectedFile, servicePolicy, toDynamicMethod } from '@rondo/schema';
import { type HttpBinding, httpRuleOf } from '@rondo/schema/http';
import { isPublic, writesInt64AsNumber } from './exposure.js';

/** One method of one version of a contract. */
export interface ContractMethod {
  readonly method: Method;
  readonly desc: DescMethod;
  readonly int64AsNumber: boolean;
  /** The usable bindings of its `google.api.http` rule. */
  readonly bindings: readonly HttpBinding[];
}

/** One version of a service's contract, as an instance returned it. It never changes. */
export interface Contract {
  readonly service: string;
  /** See {@link hashOf}. */
  readonly hash: string;
  readonly desc: DescService;
  /** All types of its files, and the standard error details if its server has them. */
  readonly types: Registry;
  readonly isPublic: boolean;
  readonly policy: ReturnType<typeof servicePolicy>;
  /** By the method's name. */
  readonly methods: ReadonlyMap<string, ContractMethod>;
  /** The file of the service and its imports, each after its imports. */
  readonly files: readonly ReflectedFile[];
  /** What is wrong with its bindings: each a sentence for the owner of the contract. */
  readonly faults: readonly string[];
}

/** The files of a service, as its server returned them. */
export interface ContractFiles {
  readonly files: readonly ReflectedFile[];
  /** Files of the standard error details that aren't among them. */
  readonly details: readonly ReflectedFile[];
}

/**
 * SHA-256 over the names and bytes of a contract's files, by name. Unlike a fingerprint it also covers options: routes,
 * timeouts and exposure.
 */
export function hashOf(files: readonly ReflectedFile[]): string {
  const hash = createHash('sha256');
  const named = files.map(({ proto, bytes }) => ({ name: Buffer.from(proto.name), bytes }));
  for (const { name, bytes } of named.sort((one, other) => Buffer.compare(one.name, other.name))) {
    for (const part of [name, bytes]) hash.update(`${part.length}:`).update(part);
  }
  return hash.digest('hex');
}

/** The most that a contract may have of something: some of what is made of contracts grows with the square. Published ones have fewer. */
function atMost(max: number, what: string, list: readonly unknown[] = []): void {
  if (list.length > max) throw new RangeError(`it has ${list.length} ${what}, and may have ${max}; split it`);
}

function checkSize({ methods, proto }: DescService, types: Registry): void {
  atMost(1_000, 'methods', methods);
  for (const { options } of [proto, ...methods.map((method) => method.proto)])
    atMost(100, 'options', options?.$unknown);
  for (const type of types) {
    if (type.kind === 'message') atMost(10_000, `fields in ${type.typeName}`, type.fields);
    if (type.kind === 'enum') atMost(10_000, `values in ${type.typeName}`, type.values);
  }
}

/**
 * Reads a contract from its files.
 *
 * @throws Error if the files don't fit together or an option contradicts itself, and RangeError if it has too many of something.
 */
export function readContract(service: string, { files, details }: ContractFiles): Contract {
  const { desc, registry } = loadSchema(
    service,
    [...files, ...details].map(({ proto }) => proto),
  );
  checkSize(desc, registry);
  const rules = desc.methods.map((method) => ({ method, rule: httpRuleOf(method) }));
  atMost(
    1_000,
    'HTTP bindings',
    rules.flatMap(({ rule }) => rule.bindings),
  );
  return {
    service,
    hash: hashOf(files),
    desc,
    types: registry,
    isPublic: isPublic(desc),
    policy: servicePolicy(desc),
    methods: new Map(rules.map(({ method, rule }) => [method.name, readMethod(method, rule.bindings)])),
    files,
    faults: rules.flatMap(({ rule }) => rule.faults),
  };
}

/**
 * Reads a method.
 *
 * @throws TypeError if its options contradict themselves.
 */
export function readMethod(desc: DescMethod, bindings: readonly HttpBinding[]): ContractMethod {
  const method = methodOf(toDynamicMethod(desc));
  if (method === undefined) throw new Error(`${desc.parent.typeName}/${desc.name} is not a method`);
  return { method, desc, int64AsNumber: writesInt64AsNumber(desc), bindings };
}
