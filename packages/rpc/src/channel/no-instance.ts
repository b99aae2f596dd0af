import type { Method } from '../contract/index.js';
import { type Attempt, RpcError, Status } from '../status/index.js';
import type { EndpointGroup } from './endpoint-pool.js';
import { describeVersions, isMeantFor, quoteVersion } from './traffic-groups.js';
import type { Failure } from './retry.js';

/** What is known of a call that no instance can take. */
interface NobodyOptions {
  readonly group: EndpointGroup;
  readonly attempts: readonly Attempt[];
  readonly version?: string | undefined;
}

/** How a call ends that nobody is left for: with what all say, or with what keeps it from each. */
export function lastError(method: Method, failure: Failure | undefined, options: NobodyOptions): RpcError {
  if (failure?.answered) return failure.error;
  if (failure?.refusal !== undefined && options.group.refusedByAll(method, options.version)) return failure.error;
  return nobodyLeft(method, options);
}

/** How such a call ends: with what was tried, and with what keeps it from each of the others. */
export function nobodyLeft(method: Method, { group, attempts, version }: NobodyOptions): RpcError {
  const kept: Kept[] = attempts.map(({ message, ...where }) => ({ where, why: message }));
  for (const member of group.members) {
    const { instanceId: instance, address } = member.endpoint;
    if (attempts.some((attempt) => attempt.instance === instance)) continue;
    if (version !== undefined && !isMeantFor(member.endpoint, version)) continue;
    kept.push({ where: { instance, address }, why: member.whyHeld(method.path) ?? 'not tried' });
  }
  const reasons = [...describeKept(kept)];
  const panic = group.panic(method.path);
  if (panic !== undefined) reasons.push(panic);
  const asked = version === undefined ? '' : ` of version ${quoteVersion(version)}`;
  if (version !== undefined) reasons.push(describeVersions(group.members.map(({ endpoint }) => endpoint)));
  const message = `no instance of ${method.service}${asked} can take the call: ${reasons.join('; ')}`;
  return new RpcError(Status.UNAVAILABLE, message);
}

/** What keeps a call from an instance. */
interface Kept {
  readonly where: Pick<Attempt, 'instance' | 'address'>;
  readonly why: string;
}

/** Each reason once, behind all that it keeps the call from. */
function describeKept(kept: readonly Kept[]): readonly string[] {
  const byReason = new Map<string, Map<string, number>>();
  for (const { where, why } of kept) {
    const reason = why.replace(` ${where.address}`, ''); // the system's own messages end in the address
    const names = byReason.get(reason) ?? new Map<string, number>();
    byReason.set(reason, names.set(nameOf(where), (names.get(nameOf(where)) ?? 0) + 1));
  }
  return [...byReason].map(([reason, names]) => {
    const all = [...names].map(([name, tries]) => (tries === 1 ? name : `${name} (${tries} tries)`));
    return `${all.join(', ')}: ${reason}`;
  });
}

/** An instance as messages name it. */
export function nameOf({ instance, address }: Pick<Attempt, 'instance' | 'address'>): string {
  return instance === address ? address : `${instance} at ${address}`;
}
