import type { MethodDefinition, ServiceDefinition } from '@rondo/rpc/internal';
import { objectIn } from './json-column.js';
import type { Model } from './model.js';

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

/** Checks the messages of the standard methods, as a contract may have others under their names. @throws TypeError */
export function requireShapes<M>({ fullName, methods }: ServiceDefinition, model: Model<M>): void {
  const { One, Many, one, many } = namesIn(model);
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
    const method = Object.hasOwn(methods, key) ? methods[key] : undefined;
    if (method === undefined) continue;
    const lacking = fields.find((field) => !hasField(method.requestType, field));
    if (lacking !== undefined)
      throw new TypeError(`${fullName}/${method.name}: its request has no field ${lacking}; write the method by hand`);
  }
  const lists = methods[`list${Many}`];
  if (lists !== undefined && !hasField(lists.responseType, many))
    throw new TypeError(`${fullName}/${lists.name}: its reply has no field ${many}; write the method by hand`);
}

/** Whether a message has a field, by its name in code. */
export function hasField({ fromPartial }: MethodDefinition['requestType'], field: string): boolean {
  return Object.hasOwn(objectIn(fromPartial({})), field);
}
