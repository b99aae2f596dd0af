import type { Method } from '../contract/method.js';
import { clientErrors } from '../errors/client.js';
import type { Attempt, RpcError } from '../status/rpc-error.js';
import { nameOf } from '../status/rpc-error.js';
import type { EndpointPool } from './endpoint-pool.js';
import type { Failure } from './failure.js';
import { describeVersions, mayServe, quoteVersion } from './picker.js';
import type { MethodCandidate } from './subchannel.js';

/** What is known about a call that no instance can take. */
interface NoInstanceOptions {
  readonly pool: EndpointPool;
  readonly attempts: readonly Attempt[];
  readonly version?: string | undefined;
  /** The instances for which the request couldn't be made. */
  readonly unfit?: readonly MethodCandidate[];
}

const UNFIT = 'its version of the contract has no such request';

/** The error of a call that has no instance left: the answer that all instances give, or the reason for each. */
export function finalError(method: Method, failure: Failure | undefined, options: NoInstanceOptions): RpcError {
  if (failure?.answered) return failure.error;
  if (failure?.refusal !== undefined && options.pool.instances.refusedByAll(method, options.version))
    return failure.error;
  return noInstanceError(method, options);
}

/** `UNAVAILABLE` with the outcome of each attempt and the reason why no other instance could take the call. */
export function noInstanceError(method: Method, { pool, attempts, version, unfit = [] }: NoInstanceOptions): RpcError {
  const obstacles: Obstacle[] = attempts.map(({ message, ...where }) => ({ where, why: message }));
  for (const subchannel of pool.instances.all) {
    const { instanceId: instance, address } = subchannel.endpoint;
    if (attempts.some((attempt) => attempt.instance === instance)) continue;
    if (version !== undefined && !mayServe(subchannel.endpoint, version)) continue;
    const lacks = unfit.some((candidate) => candidate.subchannel === subchannel);
    const why = lacks ? UNFIT : (subchannel.whyUnavailable(method.path) ?? 'not tried');
    obstacles.push({ where: { instance, address }, why });
  }
  const reasons = [...describe(obstacles)];
  const panic = pool.outliers.panic(method.path);
  if (panic !== undefined) reasons.push(panic);
  const asked = version === undefined ? '' : ` of version ${quoteVersion(version)}`;
  if (version !== undefined) reasons.push(describeVersions(pool.instances.all.map(({ endpoint }) => endpoint)));
  return clientErrors.NONE_CAN_TAKE({ service: method.service + asked, reasons: reasons.join('; ') });
}

/** Why an instance can't take a call. */
interface Obstacle {
  readonly where: Pick<Attempt, 'instance' | 'address'>;
  readonly why: string;
}

/** Each reason once, after the instances that it applies to. */
function describe(obstacles: readonly Obstacle[]): readonly string[] {
  const byReason = new Map<string, Map<string, number>>();
  for (const { where, why } of obstacles) {
    const reason = why.replace(` ${where.address}`, ''); // the system's own messages end in the address
    const names = byReason.get(reason) ?? new Map<string, number>();
    byReason.set(reason, names.set(nameOf(where), (names.get(nameOf(where)) ?? 0) + 1));
  }
  return [...byReason].map(([reason, names]) => {
    const all = [...names].map(([name, tries]) => (tries === 1 ? name : `${name} (${tries} tries)`));
    return `${all.join(', ')}: ${reason}`;
  });
}
