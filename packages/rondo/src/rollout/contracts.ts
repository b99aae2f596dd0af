import type { DescField, DescFile, DescMessage, DescService, FileRegistry } from '@bufbuild/protobuf';
import { FieldDescriptorProto_Type as Type } from '@bufbuild/protobuf/wkt';
import { EventServiceDefinition as events } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition as jobs } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { createReflection, loadSchema, type Schema } from '@rondo/schema';
import { withChannel } from '../channels.js';
import { compareContracts, type Difference } from '../contract/compare.js';
import { learnAll, servicesOf } from '../contract/inspect.js';
import type { Asking } from '../deadline.js';
import { importsOf } from '../generate/declarations.js';
import { askAll } from '../registry/groups.js';

/** What a rollout changes of one contract that instances have. */
export interface ContractChange {
  readonly service: string;
  readonly instances: readonly string[];
  /** The versions of these instances, by `RONDO_VERSION`. */
  readonly versions: readonly string[];
  /** From what runs to what is rolled out. */
  readonly differences: readonly Difference[];
  /** What is stored of jobs, events and open runs, and what is rolled out reads as something else. */
  readonly misread: readonly string[];
  /** Why it isn't known, or null. */
  readonly notCompared: string | null;
}

/** How long all instances have to return their contracts. Milliseconds. */
const TIMEOUT_MS = 10_000;

interface Options {
  /** The only service to compare; undefined for all. */
  readonly only?: string | undefined;
  /** How many open runs have stored messages of a type, by its full name. */
  readonly messages: ReadonlyMap<string, bigint>;
}

/**
 * Compares the contracts that instances have with those of a descriptor set. Services that the set doesn't have are left out.
 */
export async function compareWithRunning(
  instances: readonly Instance[],
  files: FileRegistry,
  { only, messages, ...asking }: Asking & Options,
): Promise<readonly ContractChange[]> {
  const known = servicesOf(instances, only).filter(({ service }) => files.getService(service) !== undefined);
  const learned = await learnAll(known, TIMEOUT_MS, asking);
  const changes: ContractChange[] = [];
  const calls = await countStored(instances, asking.signal).catch(() => undefined);
  for (const { service, versions } of learned) {
    const own = files.getService(service);
    for (const { instances: having, found } of versions) {
      const about = {
        service,
        instances: having.map(({ instanceId }) => instanceId),
        versions: [...new Set(having.map(({ version }) => version))].filter((version) => version !== ''),
      };
      if (own === undefined || !('contract' in found)) {
        changes.push({ ...about, differences: [], misread: [], notCompared: 'reason' in found ? found.reason : null });
      } else {
        const differences = await compareContracts(found.contract, ownContract(service, own.file), asking);
        const { desc, registry } = found.contract;
        const misread = [...misreadCalls([desc, own], calls), ...misreadMessages([registry, files], messages)];
        changes.push({ ...about, differences, misread, notCompared: null });
      }
    }
  }
  return changes;
}

/** The server at an address, such as a pod's, as the registry would list it. */
export async function instanceAt(address: string, signal: AbortSignal): Promise<Instance> {
  const services = await withChannel([address], (channel) => createReflection(channel, { signal }).listServices());
  const fingerprints = Object.fromEntries(services.map((service) => [service, address]));
  return Instance.fromPartial({ instanceId: address, endpoints: [{ address }], services: [...services], fingerprints });
}

/** The contract of a service with the files that it needs, as reflection gives them. */
const ownContract = (service: string, file: DescFile): Schema =>
  loadSchema(
    service,
    [...new Set([...importsOf(file), file])].map(({ proto }) => proto),
  );

/** Whether old and new instances and callers would misunderstand each other. */
export const breaks = ({ kind }: Difference): boolean => kind !== 'added';

/** How many calls of each method are stored as jobs and events, by its full name. @throws if a service can't be asked. */
async function countStored(instances: readonly Instance[], signal: AbortSignal) {
  const [ofJobs, ofEvents] = await Promise.all([
    askAll(instances, { definition: jobs, call: (client, how) => client.listJobs({}, how) }, signal),
    askAll(instances, { definition: events, call: (client, how) => client.listGroups({}, how) }, signal),
  ]);
  const counts = new Map<string, bigint>();
  const stored = [...ofJobs.flatMap(({ methods }) => methods), ...ofEvents.flatMap(({ groups }) => groups)];
  for (const { method, waiting, running, failed } of stored)
    counts.set(method, (counts.get(method) ?? 0n) + waiting + running + failed);
  return counts;
}

/** The methods of which `after` reads stored requests as something else than `before` wrote, as sentences. `calls`: how many, if it is known. */
const misreadCalls = (
  [before, after]: readonly [DescService, DescService],
  calls: ReadonlyMap<string, bigint> | undefined,
): readonly string[] =>
  before.methods.flatMap(({ name, input }) => {
    const method = `${before.typeName}/${name}`;
    const count = calls === undefined ? '?' : (calls.get(method) ?? 0n);
    const now = after.methods.find((one) => one.name === name);
    const why = now && misread(input, now.input);
    return why === undefined || count === 0n ? [] : [`${count} stored calls of ${method} would be misread: ${why}`];
  });

/** The messages in open runs that `after` reads as something else than `before` wrote, as sentences. `messages`: in how many, by type. */
const misreadMessages = (
  [before, after]: readonly [FileRegistry, FileRegistry],
  messages: ReadonlyMap<string, bigint>,
): readonly string[] =>
  [...messages].flatMap(([type, count]) => {
    const [was, is] = [before.getMessage(type), after.getMessage(type)];
    const why = was && is && misread(was, is);
    return why === undefined ? [] : [`${count} open runs would misread their ${type}: ${why}`];
  });

/** The first field that is read as something else, as a sentence. */
export function misread(before: DescMessage, after: DescMessage, seen = new Set<DescMessage>()): string | undefined {
  if (seen.has(before)) return undefined;
  seen.add(before);
  for (const field of before.fields) {
    const now = after.fields.find(({ number }) => number === field.number);
    if (now === undefined) continue; // it is no longer read
    const [was, is] = [kindOf(field), kindOf(now)];
    if (was !== is) return `${before.name}.${field.name} was ${was}, and is ${is}`;
    const inside = field.message && now.message && misread(field.message, now.message, seen);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** Those that are alike in bytes. */
const INTEGERS = [Type.INT64, Type.UINT64, Type.INT32, Type.UINT32, Type.BOOL, Type.ENUM];

function kindOf({ fieldKind, proto: { type } }: DescField): string {
  const kind = INTEGERS.includes(type) ? 'integer' : (Type[type] ?? '').toLowerCase();
  return fieldKind === 'list' || fieldKind === 'map' ? `a ${fieldKind} of ${kind}` : kind;
}
