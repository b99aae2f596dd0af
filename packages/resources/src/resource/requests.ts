import { encodeMessage } from '@rondo/rpc/internal';
import { type FieldAt, invalidArgument, type ReportFault, validate } from '@rondo/rpc/status';
import { isId, wrongName } from '../domain/names.js';
import { checkEtag } from '../request-fields.js';
import { objectIn, valueIn } from './json-column.js';
import { type Names, namesIn } from './method-shapes.js';
import type { Model, ModelField } from './model.js';
import { isGiven, readChanges } from './update-mask.js';

/** A violation of the contract: the path of its field, and the rule. */
type Violation = Readonly<Record<'field' | 'rule', string>>;

/** Reports what is wrong with the fields of a create or an update beyond the contract's rules, at their paths in the request. */
export type CheckFields<M> = (fields: Partial<M>, field: FieldAt) => void;

/** A create as it was requested. */
export interface CreateRequest<M> {
  /** The ids of the parents. */
  readonly parents: readonly string[];
  /** The id that the caller has chosen; empty for none. */
  readonly id: string;
  readonly fields: Partial<M>;
}

/** An update as it was requested. */
export interface UpdateRequest<M> {
  readonly name: string;
  readonly etag: string;
  /** What the present resource gets. A message of which the request changes parts has its other parts as they are. */
  fieldsFor(present: M): Partial<M>;
  /**
   * What is set, for methods that were written for 0.2. It refuses a request that changes parts of a message, as 0.2 did.
   *
   * @deprecated {@link fieldsFor} knows the present resource.
   */
  readonly fields: Partial<M>;
}

/** The readers of the standard requests; what they find wrong is reported. */
export function requestReaders<M>(model: Model<M>, { one: key, path }: Names, check: CheckFields<M> = () => undefined) {
  const readFields = (field: FieldAt, resource: object, { chosen, isNew }: Chosen): Partial<M> => {
    const at: FieldAt = (one) => field(`${path}.${one}`);
    let left = MAX_VALUES;
    for (const one of chosen) {
      const value = valueIn(resource, one.description.key);
      left -= valuesIn(value, left);
      if (left < 0) {
        at(one.description.name)(TOO_MANY);
        return {};
      }
      checkField(at, { one, isNew }, value);
    }
    const fields: Partial<M> = {};
    for (const { description } of chosen) Reflect.set(fields, description.key, valueIn(resource, description.key));
    check(fields, at);
    return fields;
  };
  const inputs = model.fields.filter(({ isInput }) => isInput);
  const resourceIn = (request: object): object => {
    const resource = valueIn(request, key);
    return objectIn(resource === undefined ? model.type.fromPartial({}) : resource);
  };
  const readName = (field: FieldAt, at: string, name: string): string => {
    if (model.names.parse(name) === undefined) field(at)(wrongName(model.names.pattern, name));
    return name;
  };
  const readDraft = (request: object, field: FieldAt): Partial<M> =>
    readFields(field, resourceIn(request), { chosen: inputs, isNew: true });
  return {
    draft: readDraft,
    name: (request: object, field: FieldAt) => ({
      name: readName(field, 'name', textIn(request, 'name')),
      etag: readEtag(field('etag'), textIn(request, 'etag')),
    }),
    create: (request: object, field: FieldAt): CreateRequest<M> => ({
      parents: parentsIn(model, field, { parent: textIn(request, 'parent') }),
      id: readId(field(`${path}_id`), textIn(request, `${key}Id`)),
      fields: readDraft(request, field),
    }),
    update(request: object, field: FieldAt): UpdateRequest<M> {
      const resource = resourceIn(request);
      const { chosen, needsPresent, mergedInto } = readChanges(model, field, { path, resource, mask: maskIn(request) });
      const read = (at: FieldAt, from: object) => readFields(at, from, { chosen, isNew: false });
      // What is changed in parts can only be checked with its other parts.
      const whole = needsPresent ? undefined : read(field, resource);
      return {
        name: readName(field, `${path}.name`, textIn(resource, 'name')),
        etag: readEtag(field(`${path}.etag`), textIn(resource, 'etag')),
        fieldsFor: (present) => whole ?? validate((at) => read(at, mergedInto(objectIn(present), at))),
        get fields() {
          return (
            whole ??
            validate((at) => {
              at('update_mask')('names a part of a message, which this method replaces as a whole only');
              return {};
            })
          );
        },
      };
    },
    /**
     * Which violations of an update are looked for once its result is known: those of fields that it doesn't replace. Text that isn't
     * valid can't be found then, as decoding has replaced it.
     */
    deferred(request: object): (violation: Violation) => boolean {
      const sent = { path, resource: resourceIn(request), mask: maskIn(request) };
      const { replaces } = readChanges(model, () => () => undefined, sent);
      const kept = model.fields.filter((one) => !replaces(one)).map(({ description: { name } }) => `${path}.${name}`);
      return ({ field, rule }) =>
        rule !== 'string.text' && (field === path || kept.includes(/^\w+\.\w+/.exec(field)?.[0] ?? ''));
    },
  };
}

/**
 * Checks what an update makes of a resource by the rules of the contract. What the resource violated before is no fault of an update of
 * other fields.
 *
 * @throws RpcError `INVALID_ARGUMENT`
 */
export async function requireRules<M extends object>(model: Model<M>, present: M, fields: Partial<M>): Promise<void> {
  const { type } = model;
  const { path } = namesIn(model);
  await type.checked?.load?.();
  const violationsOf = (one: object) => type.checked?.decode(encodeMessage(type, type.fromPartial(one))).violations();
  const found = violationsOf({ ...present, ...fields }) ?? [];
  const before = found.length === 0 ? [] : violationsOf(present);
  const changed = model.fields.flatMap(({ description: { key, name } }) => (Object.hasOwn(fields, key) ? name : []));
  const isOld = ({ field, rule }: Violation) =>
    !changed.includes(/^\w*/.exec(field)?.[0] ?? '') &&
    before?.some((one) => one.field === field && one.rule === rule) === true;
  const faults = found.filter((one) => !isOld(one));
  if (faults.length === 0) return;
  const at = (field: string) => (field === '' ? path : `${path}.${field}`);
  throw invalidArgument(
    faults.map(({ field, rule, text }) => ({ field: at(field), description: `${text} (${rule})` })),
  );
}

export type RequestReaders<M> = ReturnType<typeof requestReaders<M>>;

/** A resource with its readers, which are made once, as a request may have many of it. */
export interface WithReaders<M> {
  readonly readers: RequestReaders<M>;
}

/** Reads what a create sets, in a request of one's own that has the resource; faults are reported at their paths. */
export function readDraft<M>({ readers }: WithReaders<M>, request: object, field: FieldAt): Partial<M> {
  return readers.draft(request, field);
}

/** Reads the name and the etag in a request of one's own for one resource; faults are reported. */
export function readNamed<M>({ readers }: WithReaders<M>, request: object, field: FieldAt) {
  return readers.name(request, field);
}

/** The fields that a request sets. */
interface Chosen {
  readonly chosen: readonly ModelField[];
  readonly isNew: boolean;
}

/** Each value of a resource takes some microseconds, in which its process does nothing else. */
const MAX_VALUES = 20_000;
const TOO_MANY = `must have fewer items: a resource has at most 20,000 values in all; store long lists as resources of their own`;

/** How many values a field has, with those of its messages and lists; of one with more than `most`, at least that. */
function valuesIn(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return 1;
  let count = 1;
  for (const part of Array.isArray(value) ? value : Object.values(value)) {
    if (count > most) break;
    count += valuesIn(part, most - count);
  }
  return count;
}

function checkField(
  field: FieldAt,
  { one: { description, column }, isNew }: { readonly one: ModelField; readonly isNew: boolean },
  value: unknown,
): void {
  const { name, behavior = [] } = description;
  if (!behavior.includes('REQUIRED') || isGiven(typeof value === 'string' ? value.trim() : value, description)) {
    if (isNew && column.checkNew !== undefined) column.checkNew(field, name, value);
    else column.check?.(field, name, value);
  } else {
    field(name)(column.needed ?? neededOf(value));
  }
}

/** The text for a required field without a value, or with the zero that stands for none. */
function neededOf(value: unknown): string {
  if (typeof value === 'string') return 'is required, and not only spaces';
  if (!['number', 'bigint', 'boolean'].includes(typeof value)) return 'is required';
  return `is required, and ${value} counts as unset; a contract takes ${value} if the field is optional, too`;
}

function maskIn(request: object): readonly string[] | undefined {
  const mask = valueIn(request, 'updateMask');
  return Array.isArray(mask) ? mask.map(String) : undefined;
}

function readEtag(report: ReportFault, etag: string): string {
  checkEtag(report, etag);
  return etag;
}

function readId(report: ReportFault, id: string): string {
  if (id !== '' && !isId(id)) report(`must be 1 to 63 of a-z 0-9 -, and not begin with -; it is "${id}"`);
  return id;
}

/** A text field of a request; empty if the request has none. */
export function textIn(request: object, key: string): string {
  const text = valueIn(request, key);
  return typeof text === 'string' ? text : '';
}

/**
 * The ids in a parent's name; none for a resource without a parent.
 *
 * @param ofAll whether its last ids may be `-`, which stands for all (AIP-159): then only the ids before it are returned.
 */
export function parentsIn<M>(
  { names }: Model<M>,
  field: FieldAt,
  { parent, ofAll = false }: { readonly parent: string; readonly ofAll?: boolean },
): readonly string[] {
  const pattern = names.pattern.split('/').slice(0, -2);
  if (pattern.length === 0) return [];
  const parts = parent.split('/');
  const ids = pattern.flatMap((part, index) => (part.startsWith('{') ? (parts[index] ?? '') : []));
  const wild = ofAll && ids.includes('-') ? ids.indexOf('-') : ids.length;
  // A name of the parent is one of the resource without its end.
  const named = parts.map((part) => (ofAll && part === '-' ? 'x' : part)).join('/');
  const isName = names.parse(`${named}/${names.pattern.split('/').at(-2) ?? ''}/x`) !== undefined;
  if (!isName || ids.slice(wild).some((id) => id !== '-'))
    field('parent')(wrongName(pattern.join('/'), parent, ofAll ? ', or - for all' : ''));
  return ids.slice(0, wild);
}
