import {
  type Instance,
  InstanceStatus,
  OperatorState,
  Protocol,
  Security,
} from '@rondo/contracts/rondo/registry/v1/registry';

/** An instance as `--json` prints it: names and values that programs may rely on. */
export interface InstanceView {
  readonly instanceId: string;
  readonly services: readonly string[];
  readonly endpoints: readonly {
    readonly address: string;
    readonly protocols: readonly string[];
    readonly security: string;
  }[];
  readonly zone: string;
  readonly version: string;
  readonly weight: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** By service: the fingerprint of the contract that it speaks. */
  readonly fingerprints: Readonly<Record<string, string>>;
  /** What it says of itself. */
  readonly status: string;
  /** What an operator has set: `NONE` or `CORDONED`. */
  readonly operatorState: string;
  /** RFC 3339. */
  readonly registerTime: string | null;
}

/** What is shown of an instance. */
export function viewInstance(instance: Instance): InstanceView {
  const { instanceId, services, endpoints, zone, version, weight, metadata, fingerprints, registerTime } = instance;
  return {
    instanceId,
    services: [...services].sort(),
    endpoints: endpoints.map(({ address, protocols, security }) => ({
      address,
      protocols: protocols.map((protocol) => enumName(Protocol[protocol], 'PROTOCOL_', protocol)),
      security: enumName(Security[security], 'SECURITY_', security),
    })),
    zone,
    version,
    weight,
    metadata,
    fingerprints,
    status: statusOf(instance),
    operatorState: isCordoned(instance) ? 'CORDONED' : 'NONE',
    registerTime: registerTime?.toISOString() ?? null,
  };
}

/** What an instance says of itself, such as `SERVING`. */
export function statusOf({ status }: Instance): string {
  return enumName(InstanceStatus[status], 'INSTANCE_STATUS_', status);
}

/** Whether an operator has taken it out. */
export function isCordoned({ operatorState }: Instance): boolean {
  return operatorState === OperatorState.OPERATOR_STATE_CORDONED;
}

/** What it comes to, such as `SERVING`: an operator's word outranks what the instance says. */
export function effectiveStatus(instance: Instance): string {
  return isCordoned(instance) ? 'CORDONED' : statusOf(instance);
}

/** Whether clients may pick it. */
export function isPicked(instance: Instance): boolean {
  return effectiveStatus(instance) === 'SERVING';
}

/** Where an instance is reached first; empty where it says nothing. */
export function addressOf({ endpoints }: Instance): string {
  return endpoints[0]?.address ?? '';
}

/** The name of an enum's value without its prefix; its number where a later contract has added it. */
export function enumName(name: string | undefined, prefix: string, number: number): string {
  return name === undefined ? String(number) : name.replace(prefix, '');
}
