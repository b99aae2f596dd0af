/** Names of messages and enums that generated code can't have. */
import type { TypeMap } from 'ts-proto/build/src/types.js';
import { RESERVED_WORDS } from '../scaffold/words.js';
import type { DecodedFile } from './decoded.js';

/** What generated code itself declares, what it takes from JavaScript, and what can't be declared. */
const RESERVED = new Set([
  ...['Builtin', 'DeepPartial', 'DeepPartialEmpty', 'DeepPartialJson', 'DeepPartialMessage', 'DeepPartialObject'],
  ...['MessageFns', 'asBuffer', 'protobufFileName', 'protobufPackage', 'setEntry'],
  ...['BigInt', 'Buffer', 'Uint8Array', 'globalThis'],
  ...['any', 'bigint', 'boolean', 'never', 'number', 'object', 'string', 'symbol', 'unknown'],
  ...RESERVED_WORDS,
]);

/**
 * Gives messages and enums with a reserved name the suffix that ts-proto gives to `Date`: `Buffer` becomes `BufferMessage`. On the wire
 * they keep their names.
 *
 * @param files Changed in place.
 * @param typeMap ts-proto's. Changed in place.
 * @returns what restores the names of the contract in strings of generated code.
 */
export function renameReserved(files: readonly DecodedFile[], typeMap: TypeMap): (code: string) => string {
  const restored: [RegExp, string][] = [];
  for (const file of files) {
    const declared = [...file.messageType, ...file.enumType];
    const taken = new Set(declared.map(({ name }) => name));
    for (const type of declared.filter(({ name }) => RESERVED.has(name))) {
      const { name } = type;
      while (taken.has(type.name) || RESERVED.has(type.name)) type.name += 'Message';
      taken.add(type.name);
      const prefix = file.package === '' ? '' : `${file.package}.`;
      restored.push([new RegExp(`"${prefix}${type.name}(?=[."])`, 'g'), `"${prefix}${name}`]);
      for (const [key, entry] of typeMap) {
        if (`${key}.`.startsWith(`.${prefix}${name}.`)) entry[1] = entry[1].replace(name, type.name);
      }
    }
  }
  return (code) => restored.reduce((text, [renamed, original]) => text.replace(renamed, original), code);
}
