import type { MethodDefinition, ServiceDefinition } from '@rondo/rpc/internal';
import { objectIn, valueIn } from './json-column.js';
import type { Model, ModelField } from './model.js';

/** The names of a resource in the methods of its service. */
export interface Names {
  /** In the names of methods: `StockChange`, `StockChanges`. */
  readonly One: string;
  readonly Many: string;
  /** As fields of messages, in code: `stockChange`, `stockChanges`. */
  readonly one: string;
  readonly many: string;
  /** As a field in the contract: `stock_change`. */
  readonly path: string;
}

export function namesIn<M>({ type: { $type }, names: { pattern } }: Model<M>): Names {
  const One = $type.slice($type.lastIndexOf('.') + 1);
  const many = pattern.split('/').at(-2) ?? '';
  const one = `${One.charAt(0).toLowerCase()}${One.slice(1)}`;
  const path = one.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return { One, Many: `${many.charAt(0).toUpperCase()}${many.slice(1)}`, one, many, path };
}

/**
 * Checks that the standard methods of a contract can be served, as a contract may have others under their names.
 *
 * @throws TypeError that names the method and the reason.
 */
export function requireShapes<M>({ fullName, methods }: ServiceDefinition, model: Model<M>): void {
  const { One, Many, one, many } = namesIn(model);
  const check = (key: string, faultOf: (method: MethodDefinition) => string | undefined) => {
    const method = Object.hasOwn(methods, key) ? methods[key] : undefined;
    const fault = method && faultOf(method);
    if (method === undefined || fault === undefined) return;
    const remedy = 'leave the method out of the definition, and write it by hand';
    throw new TypeError(`${fullName}/${method.name}: ${fault}; ${remedy}`);
  };
  const needed: Readonly<Record<string, readonly string[]>> = {
    [`get${One}`]: ['name'],
    [`list${Many}`]: ['pageSize', 'pageToken'],
    [`create${One}`]: [one],
    [`update${One}`]: [one, 'updateMask'],
    [`delete${One}`]: ['name'],
    [`undelete${One}`]: ['name'],
    [`watch${Many}`]: ['resumeToken'],
  };
  for (const [key, fields] of Object.entries(needed)) {
    check(key, ({ requestType }) => {
      const lacking = fields.find((field) => !hasField(requestType, field));
      return lacking && `its request has no field ${lacking}`;
    });
  }
  check(`list${Many}`, ({ responseType }) =>
    hasField(responseType, many) ? undefined : `its reply has no field ${many}`,
  );
  const hasUpdate = Object.hasOwn(methods, `update${One}`);
  check(`watch${Many}`, ({ requestType }) => narrowingFault(model, requestType, hasUpdate));
  const isDeletedForEver = Object.hasOwn(methods, `delete${One}`) && !model.has('deleteTime');
  const events = ['snapshot', `${one}Changed`, ...(isDeletedForEver ? [`${one}Deleted`] : [])];
  check(`watch${Many}`, ({ responseType }) => {
    const lacking = events.find((one) => !hasEvent(responseType, one));
    return lacking && `its reply has no ${lacking} in a oneof event`;
  });
}

/** Whether the oneof `event` of a message has a member. An encoder leaves out one that it hasn't. */
const hasEvent = ({ fromPartial }: MethodDefinition['responseType'], $case: string): boolean =>
  valueIn(fromPartial({ event: { $case, value: {} } }), 'event') !== undefined;

/** The reference of a resource that a watch's request has, too: the watch is of the resources with this reference only. */
export function narrowingReference<M>(
  { fields }: Model<M>,
  requestType: MethodDefinition['requestType'],
): ModelField | undefined {
  return fields.find(
    ({ description: { key }, column }) => column.filter?.kind === 'name' && hasField(requestType, key),
  );
}

function narrowingFault<M>(
  model: Model<M>,
  requestType: MethodDefinition['requestType'],
  hasUpdate: boolean,
): string | undefined {
  if (hasField(requestType, 'parent'))
    return model.ids.length === 2 ? undefined : `its request has one parent, and the resource ${model.ids.length - 1}`;
  const reference = narrowingReference(model, requestType);
  if (reference?.isUpdatable !== true || !hasUpdate) return undefined;
  const { name } = reference.description;
  return `its watchers wouldn't learn that an update changes ${name}, which isn't IMMUTABLE`;
}

/** Whether a message has a field, by its name in code. */
export function hasField({ fromPartial }: MethodDefinition['requestType'], field: string): boolean {
  return Object.hasOwn(objectIn(fromPartial({})), field);
}
