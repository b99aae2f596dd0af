import { invalidArgument, RpcError, Status } from '@rondo/rpc/status';
import {
  InstanceNotFound,
  InstanceTakenOver,
  InstanceTooLarge,
  LeaseNotFound,
  LimitReached,
  StoreClosed,
  StoreUnreachable,
} from '../domain/errors.js';
import { REQUEST_LIMITS, type TotalLimits } from '../domain/limits.js';

/** What eases each limit. */
const REMEDY: Readonly<Record<keyof TotalLimits, string>> = {
  instances: 'wait for leases to run out, or raise RONDO_REGISTRY_MAX_INSTANCES',
  services: 'wait for leases to run out, or raise RONDO_REGISTRY_MAX_SERVICES',
  cordoned: 'uncordon some, or raise RONDO_REGISTRY_MAX_CORDONED',
  watches: 'share watches, or raise RONDO_REGISTRY_MAX_WATCHES',
};

/** The status of what a store refuses; anything else stands as it is. */
export function toStatus(fault: unknown): unknown {
  if (fault instanceof LeaseNotFound) {
    return refusal(Status.NOT_FOUND, `no such lease for instance "${fault.instanceId}": register again`, fault);
  }
  if (fault instanceof InstanceNotFound) {
    const message = `no instance "${fault.instanceId}" is registered: list those that are with ListInstances`;
    return refusal(Status.NOT_FOUND, message, fault);
  }
  if (fault instanceof InstanceTakenOver) {
    const { instanceId, incarnation } = fault;
    const holder = `another process, incarnation ${incarnation}, has taken over instance id "${instanceId}"`;
    return refusal(Status.ABORTED, `${holder}: give this process its own RONDO_INSTANCE_ID`, fault);
  }
  if (fault instanceof InstanceTooLarge) {
    const rule = `all its text may have ${REQUEST_LIMITS.instanceTextSize} characters; send less metadata`;
    const description = `leaves instance "${fault.instanceId}" with ${fault.textSize}: ${rule}`;
    return invalidArgument([{ field: 'metadata', description }]);
  }
  if (fault instanceof LimitReached) {
    const { subject, limit } = fault;
    const message = `the registry holds ${limit} ${subject}, as many as it may: ${REMEDY[subject]}`;
    return refusal(Status.RESOURCE_EXHAUSTED, message, fault);
  }
  if (fault instanceof StoreClosed) {
    return refusal(Status.UNAVAILABLE, 'the registry is stopping: ask it again once it is back', fault);
  }
  if (fault instanceof StoreUnreachable) return refusal(Status.UNAVAILABLE, `${fault.message}; call again soon`, fault);
  return fault;
}

function refusal(code: Status, message: string, cause: Error): RpcError {
  return new RpcError(code, message, { cause });
}
