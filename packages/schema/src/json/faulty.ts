import { type DescMessage, type Registry, toJson } from '@bufbuild/protobuf';
import { isReflectList, isReflectMap, isReflectMessage, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** A value that has no JSON. */
export interface Faulty {
  /** Empty for the message itself. */
  readonly path: string;
  readonly rule: string;
}

/** Finds the first of the innermost messages in `view` that can't be written as JSON; undefined if there is none. */
export function faultyValue(view: ReflectMessage, registry: Registry, path = ''): Faulty | undefined {
  try {
    toJson(view.desc, view.message, { registry });
    return undefined;
  } catch (error) {
    for (const [at, part] of partsOf(view)) {
      const found = faultyValue(part, registry, path === '' ? at : `${path}.${at}`);
      if (found !== undefined) return found;
    }
    const reason = error instanceof Error ? error.message : String(error);
    return { path, rule: reason.replace(/^cannot encode message \S+ to JSON: /, '') };
  }
}

function* partsOf(view: ReflectMessage): Generator<readonly [path: string, part: ReflectMessage]> {
  for (const field of view.fields.filter((one) => view.isSet(one))) {
    const value = view.get(field);
    const entries = isReflectList(value) || isReflectMap(value) ? value.entries() : [];
    for (const [key, item] of entries)
      if (isReflectMessage(item)) yield [`${field.name}[${typeof key === 'string' ? JSON.stringify(key) : key}]`, item];
    if (isReflectMessage(value)) yield [field.name, value];
  }
}

/** Whether a message, itself or in messages inside it, can hold what `is` finds in one of them. */
export function holds(is: (desc: DescMessage) => boolean): (desc: DescMessage) => boolean {
  const known = new WeakMap<DescMessage, boolean>();
  return (desc) => {
    const reached = new Set([desc]);
    // The set grows during the iteration, which then visits the new entries too.
    for (const { fields } of known.has(desc) ? [] : reached)
      for (const { message } of fields) if (message !== undefined) reached.add(message);
    const found = known.get(desc) ?? [...reached].some(is);
    known.set(desc, found);
    return found;
  };
}

export const holdsStruct = holds(({ typeName }) => typeName === 'google.protobuf.Struct');

/** The path of the first Value that has no kind, in a message that can be decoded. */
export function valueWithoutKind(desc: DescMessage, bytes: Uint8Array, path: string): string | undefined {
  let hasKind = desc.typeName !== 'google.protobuf.Value';
  for (const { number, part } of lengthDelimited(bytes)) {
    const field = desc.fields.find((one) => one.number === number);
    hasKind ||= field !== undefined;
    if (field?.message === undefined || part === undefined) continue;
    const entry = field.fieldKind === 'map' ? [...lengthDelimited(part)].findLast((one) => one.number === 2) : { part };
    const at = path === '' ? field.name : `${path}.${field.name}`;
    const found = valueWithoutKind(field.message, entry?.part ?? new Uint8Array(), at);
    if (found !== undefined) return found;
  }
  return hasKind ? undefined : path;
}

/** The fields of a message, and the bytes of those that are messages or texts. */
function* lengthDelimited(bytes: Uint8Array): Generator<{ number: number; part: Uint8Array | undefined }> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const skipped = reader.skip(type, number);
    yield { number, part: type === WireType.LengthDelimited ? new BinaryReader(skipped).bytes() : undefined };
  }
}
