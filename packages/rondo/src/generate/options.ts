/** The options of contracts that the generator reads: Rondo's, and those of `google.api`. */
import { type AnyDesc, type DescExtension, type FileRegistry, getOption, hasOption } from '@bufbuild/protobuf';
import type { Idempotency, Keep, MethodPolicy, ServicePolicy, Topic } from '@rondo/contracts/rondo/options/v1/options';

/** What is wrong with a declaration: each has the rule and the remedy. */
export type Faults = Generator<string, void>;

/** A `google.protobuf.Duration`. */
export interface Wait {
  readonly seconds: bigint;
  readonly nanos: number;
}

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;
export const toMs = ({ seconds, nanos }: Wait): number => Number(seconds) * 1_000 + nanos / 1e6;

/** Where the key of a call is. */
export type KeySource =
  | { readonly case: 'field' | 'metadata'; readonly value: string }
  | { readonly case: undefined; readonly value?: undefined };

/** `(rondo.options.v1.method)` as protobuf-es reads it: oneofs differ from those of ts-proto. */
export interface ReadMethodPolicy extends Omit<MethodPolicy, 'hashKey' | 'idempotency'> {
  readonly hashKey: { readonly source: KeySource } | undefined;
  readonly idempotency: (Omit<Idempotency, 'source'> & { readonly source: KeySource }) | undefined;
}

export type Policy<Name extends keyof ReadMethodPolicy> = NonNullable<ReadMethodPolicy[Name]>;

/** `google.api.HttpRule` as protobuf-es reads it. */
export interface ReadHttpRule {
  readonly pattern:
    | { readonly case: 'custom'; readonly value: { readonly kind: string; readonly path: string } }
    | { readonly case: 'get' | 'put' | 'post' | 'delete' | 'patch'; readonly value: string }
    | { readonly case: undefined; readonly value?: undefined };
  readonly body: string;
  readonly responseBody: string;
  readonly additionalBindings: readonly ReadHttpRule[];
}

export interface Option<Value> {
  /** Undefined if no contract uses the option. */
  readonly extension: DescExtension | undefined;
  /** What a declaration says; undefined if it doesn't have the option. */
  of(declaration: AnyDesc): Value | undefined;
}

const optionNamed =
  <Value>(name: string) =>
  (registry: FileRegistry): Option<Value> => {
    const extension = registry.getExtension(name);
    const of = (declaration: AnyDesc) =>
      // The contract of the option, by which it was read, has the shape.
      extension && hasOption(declaration, extension) ? (getOption(declaration, extension) as Value) : undefined;
    return { extension, of };
  };

export const methodPolicy = optionNamed<ReadMethodPolicy>('rondo.options.v1.method');
export const servicePolicy = optionNamed<ServicePolicy>('rondo.options.v1.service');
/** The generator makes the contract of this enumeration, and doesn't load it. */
export const KEEP_LATEST_OF_KEY: Keep.KEEP_LATEST_OF_KEY = 1;
export const topicOption = optionNamed<Topic>('rondo.options.v1.topic');
export const httpRule = optionNamed<ReadHttpRule>('google.api.http');
export const operationInfo = optionNamed<{ readonly responseType: string; readonly metadataType: string }>(
  'google.longrunning.operation_info',
);
export const resourceOption = optionNamed<{ readonly type: string; readonly pattern: readonly string[] }>(
  'google.api.resource',
);
export const resourceReference = optionNamed<{ readonly type: string }>('google.api.resource_reference');
/** `google.api.FieldBehavior.REQUIRED` */
export const REQUIRED = 2;
export const fieldBehavior = optionNamed<readonly number[]>('google.api.field_behavior');

export const optionsOf = (registry: FileRegistry) => ({
  registry,
  method: methodPolicy(registry),
  service: servicePolicy(registry),
  topic: topicOption(registry),
});
export type Options = ReturnType<typeof optionsOf>;
