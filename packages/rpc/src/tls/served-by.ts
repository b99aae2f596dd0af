import { ServicePolicy } from '@rondo/contracts/rondo/options/v1/options';
import { type FieldRecord, readRecords } from '../contract/wire-records.js';
import { namedLike } from './spiffe-id.js';

/** The names of the processes that may serve a service; undefined for every process of the trust domain. */
export type ServedBy = (service: string) => readonly string[] | undefined;

/** Stands in a contract for every process of the trust domain. */
const ANY = '*';

/** Services of other projects that every server may have besides its own: no other of their packages, which may be a user's. */
const OF_OTHERS =
  /^(?:(?:grpc\.(?:health|reflection|channelz)|xds\.service\.orca)\.v\w+\.\w+|google\.longrunning\.Operations)$/;
const OWN = /^rondo\.(?:logs|stats|tracing)\./;

/**
 * Whether a service is one that every server may have: health, reflection, channelz, reports of load, and the operations of its workflows.
 * It is reached by another service of its process, so it isn't registered. `Operations` itself checks who may see an operation.
 */
export const isOfEveryServer = (service: string): boolean => OF_OTHERS.test(service);

/**
 * Tells who may serve a service: by `served_by` of its contract in `descriptorSet`, else the process that is named like the
 * package. Contracts that a server sends by reflection don't count: the server itself would decide which
 * servers its clients trust.
 *
 * @param descriptorSet this process's own `google.protobuf.FileDescriptorSet`; undefined for none.
 */
export function servedByOf(descriptorSet: Uint8Array | undefined): ServedBy {
  const declared = declaredIn(descriptorSet);
  return (service) => {
    if (isOfEveryServer(service) || OWN.test(service)) return undefined;
    const names = declared.get(service) ?? [namedLike(service)];
    return names.includes(ANY) ? undefined : names;
  };
}

/** Field numbers of `google/protobuf/descriptor.proto`. The last is that of `rondo.options.v1.service`. */
const FIELD = { file: 1, package: 2, service: 6, name: 1, options: 3, policy: 50_551 } as const;

/** What contracts declare, by service. The set is read by field number: to decode it whole would take a hundred times as long. */
function declaredIn(descriptorSet: Uint8Array | undefined): ReadonlyMap<string, readonly string[]> {
  const declared = new Map<string, readonly string[]>();
  for (const file of partsOf(recordsOf(descriptorSet), FIELD.file)) {
    const fields = recordsOf(file);
    for (const service of partsOf(fields, FIELD.service)) {
      const parts = recordsOf(service);
      const [options] = partsOf(parts, FIELD.options);
      const [policy] = partsOf(recordsOf(options), FIELD.policy);
      const { servedBy } = ServicePolicy.decode(policy ?? new Uint8Array());
      if (servedBy.length > 0) declared.set(`${textOf(fields, FIELD.package)}.${textOf(parts, FIELD.name)}`, servedBy);
    }
  }
  return declared;
}

const recordsOf = (message: Uint8Array | undefined): readonly FieldRecord[] =>
  (message === undefined ? undefined : readRecords(message)) ?? [];

const partsOf = (records: readonly FieldRecord[], field: number): readonly Uint8Array[] =>
  records.flatMap(({ number, value }) => (number === field && value instanceof Uint8Array ? [value] : []));

const textOf = (records: readonly FieldRecord[], field: number): string =>
  Buffer.from(partsOf(records, field)[0] ?? []).toString();
