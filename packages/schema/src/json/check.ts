import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Registry,
  ScalarType,
} from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { didYouMean } from '@rondo/rpc/internal';
import type { FieldViolation } from '@rondo/rpc/status';
import { numberText } from './parse.js';
import { type Checked, checkScalar, show, wellKnownTypes } from './scalar.js';

/** A request's JSON in the form that protobuf-es reads, and the faults in it. */
export interface CheckedJson {
  /** Whole numbers are strings, so that none is rounded. Only valid if there are no violations. */
  readonly value: JsonValue;
  /** The first 100. The rest of the JSON isn't read. */
  readonly violations: readonly FieldViolation[];
}

/** Options of {@link checkJson}. */
export interface CheckOptions {
  /** The types that an Any may hold. */
  readonly registry: Registry;
  /** Whether an enum takes numbers without a name, as proto3 allows. By default they are violations. */
  readonly unnamedNumbers?: boolean;
}

/** Checks the result of {@link parseJson} against a message. */
export function checkJson(desc: DescMessage, json: JsonValue, options: CheckOptions): CheckedJson {
  const checker = new Checker(options);
  const value = checker.message(desc, json, '');
  return { value, violations: checker.violations };
}

const MAX_VIOLATIONS = 100;

class Checker {
  readonly violations: FieldViolation[] = [];
  readonly #registry: Registry;
  readonly #unnamedNumbers: boolean;

  constructor({ registry, unnamedNumbers = false }: CheckOptions) {
    this.#registry = registry;
    this.#unnamedNumbers = unnamedNumbers;
  }

  /** Whether more violations are of no use: their texts cost time, and nothing but a faulty program has so many. */
  get #full(): boolean {
    return this.violations.length >= MAX_VIOLATIONS;
  }

  message(desc: DescMessage, json: JsonValue, path: string): JsonValue {
    const wellKnown = wellKnownTypes.get(desc.typeName);
    if (wellKnown !== undefined) return this.#take(wellKnown(json), json, path);
    if (isWrapperDesc(desc)) return this.#take(checkScalar(desc.fields[0].scalar, json), json, path);
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      return this.#refuse(path, `must be an object {…} of ${desc.typeName}, not ${show(json)}`);
    }
    if (desc.typeName === 'google.protobuf.Any') return this.#any(json, path);
    const fields = Object.entries(json).map(
      ([key, member]) => [key, this.#full ? null : this.#member(desc, key, { member, path })] as const,
    );
    return Object.fromEntries(fields);
  }

  #member(desc: DescMessage, key: string, { member, path }: { member: JsonValue; path: string }): JsonValue {
    const at = path === '' ? key : `${path}.${key}`;
    const field = desc.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (field === undefined) return this.#refuse(at, unknownField(desc, key));
    // Null stands for the field's default, or for the null value of a Value.
    if (member === null) return member;
    return this.#field(field, member, at);
  }

  #field(field: DescField, json: JsonValue, path: string): JsonValue {
    if (field.fieldKind === 'list') {
      if (!Array.isArray(json)) return this.#refuse(path, `must be a list […], not ${show(json)}`);
      return json.map((item, index) => (this.#full ? null : this.#single(field, item, `${path}[${index}]`)));
    }
    if (field.fieldKind === 'map') {
      if (typeof json !== 'object' || json === null || Array.isArray(json)) {
        return this.#refuse(path, `must be an object {…}, not ${show(json)}`);
      }
      const entries = Object.entries(json).map(
        ([key, item]) => [key, this.#full ? null : this.#single(field, item, `${path}["${key}"]`)] as const,
      );
      return Object.fromEntries(entries);
    }
    return this.#single(field, json, path);
  }

  /** One value: of a field, an element of a list, or an entry of a map. */
  #single(field: DescField, json: JsonValue, path: string): JsonValue {
    if (field.message !== undefined) return this.message(field.message, json, path);
    if (field.enum !== undefined) return this.#enum(field.enum, json, path);
    return this.#take(checkScalar(field.scalar, json), json, path);
  }

  #enum(desc: DescEnum, json: JsonValue, path: string): JsonValue {
    if (desc.typeName === 'google.protobuf.NullValue') return json;
    const number = numberText(json);
    if (this.#unnamedNumbers && desc.open && number !== undefined) {
      return Number(this.#take(checkScalar(ScalarType.INT32, json), json, path));
    }
    if (
      number !== undefined ? desc.value[Number(number)] !== undefined : desc.values.some(({ name }) => name === json)
    ) {
      return json;
    }
    const names = desc.values.map(({ name }) => name);
    const hint = typeof json === 'string' ? didYouMean(json, names) : '';
    return this.#refuse(path, `must be one of ${names.join(', ')}, not ${show(json)}.${hint}`);
  }

  #any(json: JsonObject, path: string): JsonValue {
    // Without a type and a value it is the empty Any.
    if (Object.keys(json).length === 0) return json;
    const { '@type': url, ...rest } = json;
    const name = typeof url === 'string' ? url.slice(url.lastIndexOf('/') + 1) : '';
    const desc = this.#registry.getMessage(name);
    if (desc === undefined) {
      return this.#refuse(
        path,
        `"@type" must name a message that the server knows, such as type.googleapis.com/…, not ${show(url ?? null)}`,
      );
    }
    const special = wellKnownTypes.has(name) || isWrapperDesc(desc) || name === 'google.protobuf.Any';
    if (special) return { '@type': url ?? '', value: this.message(desc, json['value'] ?? null, `${path}.value`) };
    const message = this.message(desc, rest, path);
    return typeof message === 'object' && !Array.isArray(message) ? { ...message, '@type': url ?? '' } : message;
  }

  #take(checked: Checked, json: JsonValue, path: string): JsonValue {
    return checked.ok ? checked.value : this.#refuse(path, `must be ${checked.rule}, not ${show(json)}`);
  }

  #refuse(field: string, description: string): JsonValue {
    this.violations.push({ field: field === '' ? 'the request' : field, description });
    return null;
  }
}

function unknownField(desc: DescMessage, key: string): string {
  const names = desc.fields.map(({ name }) => name);
  if (names.length === 0) return `is not a field of ${desc.typeName}, which has none`;
  return `is not a field of ${desc.typeName}; it has ${names.join(', ')}.${didYouMean(key, names)}`;
}
