import { type Instance, InstanceStatus, Protocol, Security } from '@rondo/contracts/rondo/registry/v1/registry';

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
  readonly status: string;
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
    registerTime: registerTime?.toISOString() ?? null,
  };
}

/** What an instance says of itself, such as `SERVING`. */
export function statusOf({ status }: Instance): string {
  return enumName(InstanceStatus[status], 'INSTANCE_STATUS_', status);
}

/** Where an instance is reached first; empty where it says nothing. */
export function addressOf({ endpoints }: Instance): string {
  return endpoints[0]?.address ?? '';
}

/** The name of an enum's value without its prefix; its number where a later contract has added it. */
export function enumName(name: string | undefined, prefix: string, number: number): string {
  return name === undefined ? String(number) : name.replace(prefix, '');
}
