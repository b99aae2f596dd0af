import type { Method } from '../../contract/index.js';
import { type Attempt, RpcError, Status } from '../../status/index.js';
import type { EndpointGroup } from '../group/index.js';
import { describeVersions, isMeantFor, quoteVersion } from '../routing/index.js';
import type { Failure } from './failure.js';

/** What is known of a call that no instance can take. */
export interface NobodyOptions {
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
  const reasons = attempts.map(({ message, ...where }) => `${nameOf(where)}: ${message}`);
  for (const member of group.members) {
    const { instanceId: instance, address } = member.endpoint;
    if (attempts.some((attempt) => attempt.instance === instance)) continue;
    if (version !== undefined && !isMeantFor(member.endpoint, version)) continue;
    reasons.push(`${nameOf({ instance, address })}: ${member.whyHeld(method.path) ?? 'not tried'}`);
  }
  const panic = group.panic(method.path);
  if (panic !== undefined) reasons.push(panic);
  const asked = version === undefined ? '' : ` of version ${quoteVersion(version)}`;
  if (version !== undefined) reasons.push(describeVersions(group.members.map(({ endpoint }) => endpoint)));
  const message = `no instance of ${method.service}${asked} can take the call: ${reasons.join('; ')}`;
  return new RpcError(Status.UNAVAILABLE, message);
}

/** An instance as messages name it. */
export function nameOf({ instance, address }: Pick<Attempt, 'instance' | 'address'>): string {
  return instance === address ? address : `${instance} at ${address}`;
}
