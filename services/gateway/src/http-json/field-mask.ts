import type { JsonObject } from '@bufbuild/protobuf';
import { create, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { FieldMaskSchema } from '@bufbuild/protobuf/wkt';
import { FieldBehavior } from '@rondo/contracts/google/api/field_behavior';
import { behaviorsOf } from './field-behavior.js';
import { isObject, memberOf, own } from './query.js';

/** The mask that a PATCH means: the fields that its body names. */
export interface ImpliedMask {
  readonly field: DescField & { readonly fieldKind: 'message' };
  readonly paths: readonly string[];
}

/** The fields that identify a resource and its state: a body has them so that it can be a reply that was edited. */
const IDENTITY: ReadonlySet<string> = new Set(['name', 'etag']);

/**
 * The update mask of a PATCH whose request sets none: the body's top-level fields, without its name, its etag and fields
 * that the server sets. Undefined if the method has no such mask.
 *
 * Source: https://google.aip.dev/134
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
  const named = resource.message.fields.filter(
    ({ name, jsonName }) => own(json, name) !== undefined || own(json, jsonName) !== undefined,
  );
  const paths = named
    .filter((one) => !IDENTITY.has(one.name) && !behaviorsOf(one).has(FieldBehavior.OUTPUT_ONLY))
    .map(({ name }) => name);
  return paths.length === 0 ? undefined : { field, paths };
}

const isMask = (field: DescField): field is ImpliedMask['field'] =>
  field.fieldKind === 'message' && field.message.typeName === FieldMaskSchema.typeName;

/** Sets the mask. Its JSON form can't have every field's name. */
export function setMask(desc: DescMessage, message: Message, { field, paths }: ImpliedMask): void {
  reflect(desc, message).set(field, reflect(field.message, create(field.message, { paths: [...paths] })));
}
