import type { DescField, DescMessage, JsonObject, JsonValue, Registry, ScalarType } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { isObject } from './well-known.js';

/** Another JSON of the scalars in a message. */
export interface ScalarMapping {
  /** The types that an Any may hold. */
  readonly types: Registry;
  /** @param path where the scalar is; empty for a message that is a scalar in JSON. */
  readonly of: (json: JsonValue, type: ScalarType, path: string) => JsonValue;
}

/** The JSON of a message with other scalars. What JSON has a form of its own for, such as a Struct, stays as it is. */
export function mapScalars(desc: DescMessage, json: JsonValue, mapping: ScalarMapping): JsonValue {
  return ofMessage(desc, json, { mapping, path: '' });
}

interface At {
  readonly mapping: ScalarMapping;
  readonly path: string;
}

function ofMessage(desc: DescMessage, json: JsonValue, at: At): JsonValue {
  if (isWrapperDesc(desc)) return single(desc.fields[0], json, at);
  if (!isObject(json)) return json;
  if (desc.typeName === 'google.protobuf.Any') return ofAny(json, at);
  if (desc.typeName.startsWith('google.protobuf.')) return json;
  const entries = desc.fields.flatMap((field) => {
    const { jsonName } = field;
    const member = Object.hasOwn(json, jsonName) ? json[jsonName] : undefined;
    return member === undefined ? [] : [[jsonName, ofField(field, member, inside(at, jsonName))]];
  });
  // Extensions aren't among the fields.
  return { ...json, ...Object.fromEntries(entries) };
}

function ofField(field: DescField, json: JsonValue, { mapping, path }: At): JsonValue {
  if (field.fieldKind === 'list' && Array.isArray(json)) {
    return json.map((item, index) => single(field, item, { mapping, path: `${path}[${index}]` }));
  }
  if (field.fieldKind === 'map' && isObject(json)) {
    const entries = Object.entries(json);
    return Object.fromEntries(
      entries.map(([key, item]) => [key, single(field, item, { mapping, path: `${path}["${key}"]` })]),
    );
  }
  return single(field, json, { mapping, path });
}

function single({ message, scalar }: DescField, json: JsonValue, at: At): JsonValue {
  if (message !== undefined) return ofMessage(message, json, at);
  return scalar === undefined ? json : at.mapping.of(json, scalar, at.path);
}

function ofAny(json: JsonObject, at: At): JsonValue {
  const url = String(json['@type'] ?? '');
  const desc = at.mapping.types.getMessage(url.slice(url.lastIndexOf('/') + 1));
  if (desc === undefined) return json;
  if ('value' in json && desc.typeName.startsWith('google.protobuf.')) {
    return { ...json, value: ofMessage(desc, json['value'] ?? null, inside(at, 'value')) };
  }
  const value = ofMessage(desc, json, at);
  return isObject(value) ? { ...value, '@type': url } : value;
}

const inside = ({ mapping, path }: At, name: string): At => ({ mapping, path: path === '' ? name : `${path}.${name}` });
