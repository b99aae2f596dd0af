import type { FieldAt, ReportFault } from '@rondo/rpc/status';
import type { FieldDescription } from '@rondo/validation';
import { differs } from '../domain/differs.js';
import { objectIn, valueIn } from './json-column.js';
import type { Model, ModelField } from './model.js';

/** In a mask: all fields, so that the update replaces the resource. */
const ALL = '*';

/** The most paths of a mask, as each is compared with each field. */
const MAX_PATHS = 1_000;

/** The fields that lead to what a path of a mask names. */
type FieldPath = readonly FieldDescription[];

/** What the paths of a mask are read against: the resource of a request, and the fields that a mask may name. */
interface Masked {
  readonly fields: readonly FieldDescription[];
  readonly message: object;
}

/** The resource of an update, and its mask. */
interface Sent {
  /** The resource's field in the request. */
  readonly path: string;
  readonly resource: object;
  readonly mask: readonly string[] | undefined;
}

/** What an update changes. A field that only a create sets may have its present value, as in a reply that is sent back (AIP-203). */
export function readChanges<M>({ type, fields }: Model<M>, field: FieldAt, { path, resource, mask = [] }: Sent) {
  const updatable = fields.filter(({ isUpdatable }) => isUpdatable);
  const fixed = fields.filter(({ isInput, isUpdatable }) => isInput && !isUpdatable);
  const masked = { fields: [...updatable, ...fixed].map(({ description }) => description), message: resource };
  const paths = readUpdateMask(field('update_mask'), mask, masked);
  const inside = ({ description }: ModelField) =>
    paths.filter(([first]) => first === description).map((rest) => rest.slice(1));
  const chosen = updatable.filter((one) => inside(one).length > 0);
  const inParts = chosen.filter((one) => inside(one).every((rest) => rest.length > 0));
  const kept = mask.includes(ALL) ? [] : fixed.filter((one) => inside(one).length > 0);
  return {
    chosen,
    /** Whether the request has the field as a whole. */
    replaces: (one: ModelField): boolean => inside(one).some((rest) => rest.length === 0),
    /** Whether what the request sends is not all. */
    needsPresent: inParts.length + kept.length > 0,
    mergedInto(present: object, at: FieldAt): object {
      const merged = [...inParts, ...kept].map((one): [key: string, value: unknown] => {
        const { key, name } = one.description;
        const sent = valueWith(valueIn(present, key), valueIn(resource, key), inside(one));
        const value = valueIn(type.fromPartial({ [key]: sent }), key);
        if (kept.includes(one) && differs(present, { [key]: value }))
          at(`${path}.${name}`)("can't be changed after the create; send its present value, or leave it out");
        return [key, value];
      });
      return { ...resource, ...Object.fromEntries(merged) };
    },
  };
}

/**
 * Reads which fields an update changes, also inside messages (AIP-161): those that the mask names, as in the contract or as in JSON, or,
 * without a mask, all that are set (AIP-134).
 */
function readUpdateMask(report: ReportFault, mask: readonly string[], masked: Masked): readonly FieldPath[] {
  const { fields, message } = masked;
  if (mask.length === 0) return setPaths(fields, message);
  if (mask.length > MAX_PATHS) {
    report(`must have at most ${MAX_PATHS} paths; it has ${mask.length}`);
    return [];
  }
  const found = [...new Set(mask)]
    .filter((path) => path !== ALL)
    .map((path) => ({ path, fields: pathTo(path, masked) }));
  const unknown = found.filter((one) => one.fields === undefined).map(({ path }) => `"${path}"`);
  if (unknown.length > 0)
    report(`names ${unknown.join(', ')}; it must be of ${fields.map(({ name }) => name).join(', ')}`);
  return mask.includes(ALL) ? fields.map((field) => [field]) : found.flatMap((one) => (one.fields ? [one.fields] : []));
}

/** Of a message all fields that are set, and of messages in it theirs. An empty message is named itself. */
function setPaths(fields: readonly FieldDescription[], message: unknown): readonly FieldPath[] {
  return fields.flatMap((field) => {
    const value = valueIn(message, field.key);
    if (!isGiven(value, field)) return [];
    const inside = setPaths(partsOf(field), value).map((path) => [field, ...path]);
    return inside.length > 0 ? inside : [[field]];
  });
}

/** The fields inside one that may be changed alone. Lists, maps and messages of Google are one value. */
const partsOf = ({ fields = [], repeated, type }: FieldDescription): readonly FieldDescription[] =>
  repeated === true || type === 'map' ? [] : fields.filter(({ behavior = [] }) => !behavior.includes('OUTPUT_ONLY'));

function pathTo(text: string, { fields, message }: Masked): FieldPath | undefined {
  const [part = '', ...rest] = text.split('.');
  const is = (name: unknown) => name === part || jsonName(String(name)) === jsonName(part);
  // The description of a oneof has no members.
  const field = fields.find(({ name, key, type }) =>
    is(type === 'oneof' ? valueIn(valueIn(message, key), '$case') : name),
  );
  if (field === undefined || rest.length === 0) return field && [field];
  const inside = { fields: partsOf(field), message: objectIn(valueIn(message, field.key)) };
  const path = pathTo(rest.join('.'), inside);
  return path && [field, ...path];
}

/** The name in JSON. A mask in JSON has lost the underscores before digits. */
const jsonName = (name: string): string => name.replace(/_(.?)/g, (_, letter: string) => letter.toUpperCase());

/**
 * The present value of a field, with what `given` has at `paths`, which begin inside of it. What is missing in a message has to be
 * filled in.
 */
function valueWith(present: unknown, given: unknown, paths: readonly FieldPath[]): unknown {
  if (paths.some((path) => path.length === 0)) return given;
  if (present === undefined && given === undefined) return undefined;
  const value = { ...objectIn(present) };
  for (const field of new Set(paths.flatMap(([first = []]) => first))) {
    const inside = paths.filter(([first]) => first === field).map((path) => path.slice(1));
    Reflect.set(value, field.key, valueWith(valueIn(present, field.key), valueIn(given, field.key), inside));
  }
  return value;
}

/** Whether a request gives a field a value. Without presence, zeros aren't sent. */
export function isGiven(value: unknown, { optional, type, repeated }: FieldDescription): boolean {
  if (repeated === true || type === 'map')
    return value instanceof Map ? value.size > 0 : Object.keys(objectIn(value)).length > 0;
  if (optional === true) return value !== undefined;
  if (value instanceof Uint8Array) return value.length > 0;
  return ![undefined, '', 0, 0n, false].some((unset) => unset === value);
}
