import {
  create,
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  type Registry,
  ScalarType,
  setExtension,
  toBinary,
} from '@bufbuild/protobuf';
import { isReflectMessage, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { FeatureSet_FieldPresence, FieldMaskSchema, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { didYouMean, listNames } from '@rondo/rpc/internal';
import type { FieldViolation } from '@rondo/rpc/status';
import { fieldNamed, valueNamed } from '../named.js';
import { numberText } from './parse.js';
import { type Checked, readKey, readScalar, show } from './scalar.js';
import { isObject, wellKnownTypes } from './well-known.js';

/** A request's message, and the faults in its JSON. */
export interface ReadJson {
  /** Only valid if there are no violations. */
  readonly message: Message;
  /** The first 100. The rest of the JSON isn't read. */
  readonly violations: readonly FieldViolation[];
}

/**
 * Reads the result of {@link parseJson} as a message. It accepts what Go's protojson accepts. protobuf-es's own
 * reader differs in the notation of numbers, the hosts of an Any, and many details.
 *
 * @param registry The types that an Any may hold.
 */
export function readJson(desc: DescMessage, json: JsonValue, registry: Registry): ReadJson {
  const reader = new Reader(registry);
  const { message } = reader.message(desc, json, '');
  return { message, violations: reader.violations };
}

/** A part of the JSON, and where it is. */
interface At {
  readonly json: JsonValue;
  readonly path: string;
}

const MAX_VIOLATIONS = 100;
/** Of all masks in the JSON. Each costs as much as a value, though all paths of a mask are one text. */
const MAX_PATHS = 100_000;
const LONG_MASK = `has too many paths: all masks of a request may have ${MAX_PATHS}; send fewer`;
/** No message is nested deeper. */
const MAX_PARTS = 100;
/** The fields of all messages that are made, set or not: each takes memory. */
const MAX_FIELDS = 2_000_000;

class Reader {
  readonly violations: FieldViolation[] = [];
  readonly #registry: Registry;
  #paths = 0;
  #room = MAX_FIELDS;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Whether more violations are of no use: their texts cost time, and nothing but a faulty program has so many. */
  get #full(): boolean {
    return this.violations.length >= MAX_VIOLATIONS || this.#room < 0;
  }

  message(desc: DescMessage, json: JsonValue, path: string): ReflectMessage {
    const wellKnown = wellKnownTypes.get(desc.typeName);
    if (wellKnown !== undefined) {
      if (this.#isLongMask(desc, json)) {
        this.#refuse(path, LONG_MASK);
        return reflect(desc, undefined, false);
      }
      const value = this.#take(wellKnown(json), json, path);
      return reflect(desc, value === undefined ? undefined : this.#checked(desc, value, path), false);
    }
    this.#room -= desc.fields.length;
    if (this.#room < 0) this.#refuse(path, `makes messages with more than ${MAX_FIELDS} fields in all; send less`);
    const view = reflect(desc, undefined, false);
    if (isWrapperDesc(desc)) this.#set(view, desc.fields[0], { json, path });
    else if (!isObject(json)) this.#refuse(path, `must be an object {…} of ${desc.typeName}, not ${show(json)}`);
    else if (desc.typeName === 'google.protobuf.Any') this.#any(view, json, path);
    else this.#members(view, json, path);
    return view;
  }

  #isLongMask({ typeName }: DescMessage, json: JsonValue): boolean {
    if (typeName === 'google.protobuf.FieldMask' && typeof json === 'string')
      this.#paths += json.split(',', MAX_PATHS + 1).length;
    return this.#paths > MAX_PATHS;
  }

  /** What is left to refuse is nesting: a list in a Value is two messages. */
  #checked(desc: DescMessage, json: JsonValue, path: string): Message | undefined {
    try {
      return fromJson(desc, json);
    } catch {
      return this.#refuse(path, 'is nested more than 100 deep; send less');
    }
  }

  #members(view: ReflectMessage, json: JsonObject, path: string): void {
    const seen = new Map<unknown, string>();
    for (const key of Object.keys(json)) {
      if (this.#full) return;
      const member = json[key] ?? null;
      const at = join(path, key);
      const field = fieldNamed(view.desc, key);
      if (field === undefined) {
        this.#extension(view, key, { json: member, path: at });
        continue;
      }
      if (this.#repeats(seen, field, at)) continue;
      // Null stands for the field's default, or for the null value of a Value.
      if (member === null && !hasNull(field)) continue;
      if (field.oneof !== undefined && this.#repeats(seen, field.oneof, at)) continue;
      this.#set(view, field, { json: member, path: at });
    }
    if (this.violations.length > 0) return;
    for (const field of view.fields) {
      if (field.presence !== FeatureSet_FieldPresence.LEGACY_REQUIRED || view.isSet(field)) continue;
      this.#refuse(join(path, field.name), 'must be set, as its contract says required');
    }
  }

  /** A field that another file adds to a message of proto2, under its name in brackets. */
  #extension(view: ReflectMessage, key: string, { json, path }: At): undefined {
    const extension = /^\[.+\]$/.test(key) ? this.#registry.getExtension(key.slice(1, -1)) : undefined;
    if (extension?.extendee.typeName !== view.desc.typeName) return this.#refuse(path, unknownField(view.desc, key));
    if (json === null) return;
    const isList = extension.fieldKind === 'list';
    if (isList && !Array.isArray(json)) return this.#refuse(path, `must be a list […], not ${show(json)}`);
    const values = (Array.isArray(json) ? json : [json]).map((item) => {
      const value = this.#single(extension, item, path);
      return isReflectMessage(value) ? value.message : value;
    });
    if (this.violations.length === 0) setExtension(view.message, extension, isList ? values : values[0]);
  }

  /** Refuses a field that is there under both of its names, and a second field of a oneof. */
  #repeats(seen: Map<unknown, string>, what: DescField | NonNullable<DescField['oneof']>, at: string): boolean {
    const before = seen.get(what);
    if (before === undefined) seen.set(what, at);
    else if (what.kind === 'field')
      this.#refuse(at, `is set multiple times, as it is the same field as ${before}; leave one of them out`);
    else this.#refuse(at, `is in the oneof ${what.name}, as is ${before}; set only one of them`);
    return before !== undefined;
  }

  #set(view: ReflectMessage, field: DescField, { json, path }: At): undefined {
    if (field.fieldKind === 'list') {
      if (!Array.isArray(json)) return this.#refuse(path, `must be a list […], not ${show(json)}`);
      const list = view.get(field);
      for (const [index, item] of json.entries()) {
        if (this.#full) return;
        const value = this.#single(field, item, `${path}[${index}]`);
        if (value !== undefined) list.add(value);
      }
    } else if (field.fieldKind === 'map') {
      if (!isObject(json)) return this.#refuse(path, `must be an object {…}, not ${show(json)}`);
      const map = view.get(field);
      for (const [text, item] of Object.entries(json)) {
        if (this.#full) return;
        const at = `${path}[${show(text)}]`;
        const key = this.#take(readKey(field.mapKey, text), text, `the key of ${at}`);
        if (key !== undefined && map.has(key)) this.#refuse(at, 'has a key that is there twice; leave one of them out');
        const value = this.#single(field, item, at);
        if (key !== undefined && value !== undefined) map.set(key, value);
      }
    } else {
      const value = this.#single(field, json, path);
      if (value !== undefined) view.set(field, value);
    }
  }

  /** One value: of a field, an element of a list, or an entry of a map. */
  #single(field: DescField | DescExtension, json: JsonValue, path: string): unknown {
    const masked = field.kind === 'field' ? maskedBy(field) : undefined;
    if (masked !== undefined && typeof json === 'string') return this.#mask(masked, json, path);
    if (field.message !== undefined) return this.message(field.message, json, path);
    if (field.enum !== undefined) return this.#enum(field.enum, json, path);
    return this.#take(readScalar(field.scalar, json), json, path);
  }

  #enum(desc: DescEnum, json: JsonValue, path: string): unknown {
    if (desc.typeName === 'google.protobuf.NullValue' && json === null) return 0;
    const number = numberText(json);
    if (number !== undefined && (desc.open || desc.value[Number(number)] !== undefined)) {
      return this.#take(readScalar(ScalarType.INT32, json), json, path);
    }
    const named = typeof json === 'string' ? valueNamed(desc, json) : undefined;
    if (named !== undefined) return named.number;
    const names = desc.values.map(({ name }) => name);
    const hint = typeof json === 'string' ? didYouMean(json, names) : '';
    return this.#refuse(path, `must be one of ${listNames(names)}, not ${show(json)}.${hint}`);
  }

  /** A mask of the fields of `desc`, by their names in the contract or in JSON: not every one has a name in JSON that tells its other one. */
  #mask(desc: DescMessage, text: string, path: string): ReflectMessage {
    const paths: string[] = [];
    if (this.#isLongMask(FieldMaskSchema, text)) this.#refuse(path, LONG_MASK);
    for (const one of text.trim() === '' ? [] : new Set(text.trim().split(',', MAX_PATHS))) {
      if (this.#full) break;
      paths.push(pathIn(desc, one) ?? this.#refuse(path, unknownPath(desc, one)) ?? '');
    }
    return reflect(FieldMaskSchema, create(FieldMaskSchema, { paths }), false);
  }

  #any(view: ReflectMessage, json: JsonObject, path: string): undefined {
    // Without a type and a value it is the empty Any.
    if (Object.keys(json).length === 0) return;
    const { '@type': url, ...rest } = json;
    const name = typeof url === 'string' ? url.slice(url.lastIndexOf('/') + 1) : '';
    const desc = this.#registry.getMessage(name);
    if (desc === undefined) {
      const rule = '"@type" must name a message that the server knows, such as type.googleapis.com/…';
      return this.#refuse(path, `${rule}, not ${show(url ?? null)}`);
    }
    const held = this.#held(desc, rest, path);
    if (this.violations.length > 0 || held === undefined) return;
    const [typeUrl, value] = view.desc.fields;
    if (typeUrl !== undefined) view.set(typeUrl, url);
    if (value !== undefined) view.set(value, toBinary(desc, held.message));
  }

  /** The message in an Any. A message with a special form in JSON is in the member `value`. */
  #held(desc: DescMessage, json: JsonObject, path: string): ReflectMessage | undefined {
    const isEmpty = desc.typeName === 'google.protobuf.Empty';
    const special = wellKnownTypes.has(desc.typeName) || isWrapperDesc(desc) || desc.typeName === 'google.protobuf.Any';
    if (!special && !isEmpty) return this.message(desc, json, path);
    const { value, ...rest } = json;
    for (const key of Object.keys(rest).slice(0, MAX_VIOLATIONS)) {
      this.#refuse(
        join(path, key),
        `is not a member of an Any of ${desc.typeName}, which has "value" alone; leave it out`,
      );
    }
    // Some runtimes leave out the value of an Empty.
    if (value !== undefined || isEmpty) return this.message(desc, value === undefined ? {} : value, `${path}.value`);
    return this.#refuse(path, `must have a "value", which is the ${desc.typeName}`);
  }

  #take<T>(checked: Checked<T>, json: JsonValue, path: string): T | undefined {
    return checked.ok ? checked.value : this.#refuse(path, `must be ${checked.rule}, not ${show(json)}`);
  }

  #refuse(field: string, description: string): undefined {
    this.violations.push({ field: field === '' ? 'the request' : field, description });
  }
}

function join(path: string, key: string): string {
  const shown = key.length > 60 ? `${key.slice(0, 60)}…` : key;
  return path === '' ? shown : `${path}.${shown}`;
}

const isOfGoogle = ({ typeName }: DescMessage) => typeName.startsWith('google.protobuf.');

/** The message whose fields an `update_mask` names (AIP-134): the only one besides it. */
function maskedBy({ name, message, parent }: DescField): DescMessage | undefined {
  if (name !== 'update_mask' || message?.typeName !== FieldMaskSchema.typeName) return undefined;
  const messages = parent.fields.flatMap((one) => (one.fieldKind === 'message' ? one.message : []));
  const [resource, another] = messages.filter((one) => !isOfGoogle(one));
  return another === undefined ? resource : undefined;
}

const camelCase = (name: string) => name.replace(/_(.?)/g, (_, letter: string) => letter.toUpperCase());

/** A path with the names of the contract; undefined if it names no field. What it names inside of a list or a map is kept. */
function pathIn(desc: DescMessage, path: string): string | undefined {
  const parts = path.split('.', MAX_PARTS + 1);
  const last = parts.length - 1;
  if (last === MAX_PARTS) return undefined;
  const names: string[] = [];
  let holder: DescMessage | undefined = desc;
  for (const [place, part] of parts.entries()) {
    if (holder === undefined || isOfGoogle(holder) || (part === '*' && place === last))
      return [...names, ...parts.slice(place)].join('.');
    const field: DescField | undefined =
      fieldNamed(holder, part) ?? holder.fields.find(({ name }) => camelCase(name) === part);
    if (field === undefined) return undefined;
    names.push(field.name);
    if (place < last && (field.fieldKind === 'scalar' || field.fieldKind === 'enum')) return undefined;
    holder = field.fieldKind === 'message' ? field.message : undefined;
  }
  return names.join('.');
}

function unknownPath({ typeName, fields }: DescMessage, path: string): string {
  const names = fields.map(({ name }) => name);
  return `names ${show(path)}, which is not a field of ${typeName}; it has ${listNames(names)}.${didYouMean(path, names)}`;
}

const NULLS = ['google.protobuf.Value', 'google.protobuf.NullValue'];

/** Whether null is a value of the field's type. */
const hasNull = ({ fieldKind, message, enum: values }: DescField) =>
  fieldKind !== 'map' && NULLS.includes((message ?? values)?.typeName ?? '');

function unknownField(desc: DescMessage, key: string): string {
  const names = desc.fields.map(({ name }) => name);
  if (names.length === 0) return `is not a field of ${desc.typeName}, which has none`;
  return `is not a field of ${desc.typeName}; it has ${listNames(names)}.${didYouMean(key, names)}`;
}
