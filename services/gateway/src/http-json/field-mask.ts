import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { create, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { FieldMaskSchema } from '@bufbuild/protobuf/wkt';
import { fieldNamed } from '@rondo/schema';
import { behaviorsOf } from '@rondo/schema/form';
import { gatewayErrors } from '../errors.js';
import { isObject, memberOf } from './query.js';

/** The mask that a PATCH means: the fields that its body names. */
export interface ImpliedMask {
  readonly field: DescField & { readonly fieldKind: 'message' };
  readonly paths: readonly string[];
}

/** The fields that identify a resource and its state: a body has them so that it can be a reply that was edited. */
const IDENTITY: ReadonlySet<string> = new Set(['name', 'etag']);

/** Nested messages can make a short body's paths long. Characters. */
const MAX_PATHS = 64 * 1024;

/**
 * The update mask of a PATCH whose request sets none: the leaves of the body, without its name, its etag and fields that
 * the server sets. So a part of a message is changed without its other parts. Undefined if the method has no such mask.
 *
 * Sources: https://google.aip.dev/134,
 * https://grpc-ecosystem.github.io/grpc-gateway/docs/mapping/patch_feature/
 *
 * @param target the request in JSON.
 * @param body the field that the body fills.
 */
export function impliedMask(desc: DescMessage, target: JsonObject, body: string): ImpliedMask | undefined {
  const resource = desc.fields.find(({ name }) => name === body);
  const [field, another] = desc.fields.filter(isMask);
  if (resource?.fieldKind !== 'message' || field === undefined || another !== undefined) return undefined;
  const json = memberOf(target, resource);
  if (memberOf(target, field) !== undefined || !isObject(json)) return undefined;
  const paths: string[] = [];
  let length = 0;
  for (const path of leavesOf(json, resource.message)) {
    if (IDENTITY.has(path)) continue;
    paths.push(path);
    length += path.length;
    if (length > MAX_PATHS) throw gatewayErrors.TOO_MANY_PATHS({ mask: field.jsonName });
  }
  return paths.length === 0 ? undefined : { field, paths };
}

/**
 * The paths of the fields that `json` names: of a message's fields if it has any, else its own. Lists, maps and messages of
 * `google.protobuf` and `google.type`, such as a date, are one value.
 */
function* leavesOf(json: JsonObject, desc: DescMessage, prefix = ''): Generator<string> {
  const named = new Set(Object.keys(json).flatMap((key) => fieldNamed(desc, key) ?? []));
  for (const field of [...named].sort((one, other) => one.number - other.number)) {
    const value: JsonValue | undefined = memberOf(json, field);
    if (value === undefined || behaviorsOf(field).has('OUTPUT_ONLY')) continue;
    const path = prefix + field.name;
    const parts = field.fieldKind === 'message' && !ONE_VALUE.test(field.message.typeName) ? field.message : undefined;
    if (parts === undefined || !isObject(value) || Object.keys(value).length === 0) yield path;
    else yield* leavesOf(value, parts, `${path}.`);
  }
}

const ONE_VALUE = /^google\.(?:protobuf|type)\./;

export const isMask = (field: DescField): field is ImpliedMask['field'] =>
  field.fieldKind === 'message' && field.message.typeName === FieldMaskSchema.typeName;

/** Sets the mask. Its JSON form can't have every field's name. */
export function setMask(desc: DescMessage, message: Message, { field, paths }: ImpliedMask): void {
  reflect(desc, message).set(field, reflect(field.message, create(field.message, { paths: [...paths] })));
}
