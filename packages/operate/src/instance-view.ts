import { type Instance, InstanceStatus, OperatorState } from '@rondo/contracts/rondo/registry/v1/registry';

/** The status that an instance reports, such as `SERVING`. */
export function statusOf({ status }: Instance): string {
  return enumName(InstanceStatus[status], 'INSTANCE_STATUS_', status);
}

export function isCordoned({ operatorState }: Instance): boolean {
  return operatorState === OperatorState.OPERATOR_STATE_CORDONED;
}

/** The effective status, such as `SERVING`: the operator state outranks the status that the instance reports. */
export function effectiveStatus(instance: Instance): string {
  return isCordoned(instance) ? 'CORDONED' : statusOf(instance);
}

export function isPicked(instance: Instance): boolean {
  return effectiveStatus(instance) === 'SERVING';
}

/** The first address of an instance; empty if it has none. */
export function addressOf({ endpoints }: Pick<Instance, 'endpoints'>): string {
  return endpoints[0]?.address ?? '';
}

/** The name of an enum value without its prefix; its number if the name is unknown, as a newer contract may have added it. */
export function enumName(name: string | undefined, prefix: string, number: number): string {
  return name === undefined ? String(number) : name.replace(prefix, '');
}
