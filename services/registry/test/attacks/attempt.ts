import { type Instance, InstanceStatus, Security } from '@rondo/contracts/rondo/registry/v1/registry';
import type { Attacker } from './attacker.js';

/** One thing that an attacker tries, and how it has to end. */
export interface Attempt {
  /** What is tried, as it stands behind "an attacker". */
  readonly name: string;
  /** The status that it ends with; one of several where the transport may be faster. */
  readonly ends: string | readonly string[];
  run(attacker: Attacker): Promise<string>;
}

/** Where an attacker would have the calls go: no process listens there. */
export const ELSEWHERE = {
  address: '127.0.0.1:9',
  protocols: [1],
  security: Security.SECURITY_PLAINTEXT,
  minPingInterval: undefined,
};

let lives = 0n;

/** An instance of the attacker's own, later than all before, of a service that no client calls. */
export function ownInstance(part: Partial<Instance> = {}): Partial<Instance> {
  lives += 1n;
  return {
    instanceId: 'the-attackers',
    incarnation: lives,
    endpoints: [ELSEWHERE],
    services: ['evil.v1.EvilService'],
    status: InstanceStatus.INSTANCE_STATUS_SERVING,
    ...part,
  };
}

/** A value of none of the contract's enums. */
export const NO_VALUE: number = 77;
