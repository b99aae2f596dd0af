import type { DescField, DescMessage, DescService, FileRegistry } from '@bufbuild/protobuf';
import { FieldDescriptorProto_Type as Type } from '@bufbuild/protobuf/wkt';
import { EventServiceDefinition as events } from '@rondo/contracts/rondo/events/v1/events';
import { JobServiceDefinition as jobs } from '@rondo/contracts/rondo/jobs/v1/jobs';
import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { askAll } from '../registry/groups.js';

/** How many calls of each method are stored as jobs and events, by its full name. @throws if a service can't be asked. */
export async function countStored(instances: readonly Instance[], signal: AbortSignal) {
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
export const misreadCalls = (
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
export const misreadMessages = (
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
