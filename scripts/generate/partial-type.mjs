/**
 * The type of what a caller or a handler gives of a message: any part of it, and nothing that it doesn't have. It takes
 * the place of ts-proto's own, which lets through what fails at run time or is lost on the way: numbers and strings for
 * 64-bit integers, a oneof's case without its value, functions and lists for messages, objects for maps that are a `Map`,
 * anything for a message without fields and for JSON.
 */
export const DEEP_PARTIAL = `
type Builtin = Date | Function | Uint8Array | string | number | boolean | bigint | undefined;

/** What \`google.protobuf.Value\` carries. */
type DeepPartialJson = null | boolean | number | string | DeepPartialJson[]
  | { [key: string]: DeepPartialJson | undefined };

/** No function, string, list, map or set: each has one of these. */
type DeepPartialObject = {
  readonly [globalThis.Symbol.hasInstance]?: never;
  readonly [globalThis.Symbol.iterator]?: never;
};

/** A message without fields. TypeScript gives \`{}\` the fields of what stands beside it in a list, with nothing in them. */
type DeepPartialEmpty = DeepPartialObject | { [key: string]: never };

/** By a name of its own, as the compiler's complaints have it in place of all fields. */
type DeepPartialMessage<T> = DeepPartialObject
  & { [K in keyof T]?: DeepPartial<T[K]> | (undefined extends T[K] ? undefined : never) };

/** Any part of a message. What ts-proto has as \`any\` is JSON. */
export type DeepPartial<T> = 0 extends 1 & T ? DeepPartialJson
  : T extends Builtin ? T
  : T extends globalThis.Array<infer U> ? globalThis.Array<DeepPartial<U>>
  : T extends globalThis.Map<infer K, infer V> ? globalThis.Map<K, DeepPartial<V>>
  : T extends { $case: string; value: unknown } ? { $case: T["$case"]; value: DeepPartial<T["value"]> }
  : [keyof T] extends [never] ? DeepPartialEmpty
  : DeepPartialMessage<T>;
`;
