import type { ReportFault } from '@rondo/rpc/status';
import type { NamePattern } from './domain/names.js';
import type { FilterField } from './filter.js';

/** Reads the id from a resource's name; undefined, after a reported fault, if the name doesn't match the pattern. */
export function readName<Id>(report: ReportFault, { pattern, parse }: NamePattern<Id>, name: string): Id | undefined {
  const id = parse(name);
  if (id === undefined)
    report(`must be of the pattern ${pattern}, where an id is 1 to 63 of a-z 0-9 -; it is "${name}"`);
  return id;
}

/**
 * The id in a resource's name, if the contract's rules admit only names of the pattern.
 *
 * @throws TypeError if they admit any other name: contract and pattern must agree.
 */
export function idIn<Id>({ pattern, parse }: NamePattern<Id>, name: string): Id {
  const id = parse(name);
  if (id === undefined) throw new TypeError(`the contract allows the name "${name}", which is not of ${pattern}`);
  return id;
}

/** The filter field for the names of a pattern. */
export function nameField({ pattern, parse }: NamePattern<string>): FilterField {
  return { kind: 'name', pattern, read: parse };
}
