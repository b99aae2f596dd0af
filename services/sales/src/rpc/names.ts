import { readName as readNameOf } from '@rondo/resources';
import { type ReportFault, validate } from '@rondo/rpc/status';
import { NAMES, type ResourceKind } from '../domain/names.js';

/** Reads the id from a resource's name; reports a fault if the name doesn't match the pattern. */
export function readName(report: ReportFault, kind: ResourceKind, name: string): string {
  return readNameOf(report, NAMES[kind], name) ?? '';
}

/**
 * Reads the id from a request whose only field to check is `name`.
 *
 * @throws RpcError `INVALID_ARGUMENT`
 */
export function requireName(kind: ResourceKind, name: string): string {
  return validate((field) => readName(field('name'), kind, name));
}
