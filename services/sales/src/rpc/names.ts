import { idIn, readName as readNameOf } from '@rondo/resources';
import type { ReportFault } from '@rondo/rpc/status';
import { NAMES, type ResourceKind } from '../domain/names.js';

/** Reads the id from a resource's name; reports a fault if the name doesn't match the pattern. */
export function readName(report: ReportFault, kind: ResourceKind, name: string): string {
  return readNameOf(report, NAMES[kind], name) ?? '';
}

/** The id in a name whose pattern the contract requires. */
export function idOf(kind: ResourceKind, name: string): string {
  return idIn(NAMES[kind], name);
}

/** The id in a name that the contract allows to be empty; undefined then. */
export function optionalIdOf(kind: ResourceKind, name: string): string | undefined {
  return name === '' ? undefined : idOf(kind, name);
}
