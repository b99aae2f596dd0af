import type { DescService } from '@bufbuild/protobuf';
import type { Clock } from '@rondo/rpc/clock';
import { compareContracts } from './compare.js';
import type { Difference } from './difference.js';
import { learn } from './learn.js';
import type { DividedService } from './versions.js';

/** How a version differs from another, by its fingerprint. */
export interface Comparison {
  readonly with: string;
  readonly differences: readonly Difference[];
}

/** One version of a service's contract beside the others. */
export interface InspectedVersion {
  readonly fingerprint: string;
  /** The ids of those that speak it. */
  readonly instances: readonly string[];
  /** With each version before it that could be had. */
  readonly comparisons: readonly Comparison[];
  /** Why it couldn't be compared; null where it was. */
  readonly notCompared: string | null;
}

/** What is known of a service whose replicas speak different versions of its contract. */
export interface InspectedService {
  readonly service: string;
  /** False as soon as two versions are incompatible; null where that isn't known of all. */
  readonly compatible: boolean | null;
  /** The one that most speak first. */
  readonly versions: readonly InspectedVersion[];
}

/** What an inspection needs. */
export interface InspectOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** All of it takes no longer: whoever lists instances waits for it. */
const TIMEOUT_MS = 3_000;

/** Learns each version of each service's contract from an instance that speaks it, and compares them. */
export async function inspect(
  divided: readonly DividedService[],
  { clock, signal }: InspectOptions,
): Promise<readonly InspectedService[]> {
  const late = new AbortController();
  const timer = clock.setTimer(TIMEOUT_MS, () => late.abort());
  const either = AbortSignal.any([signal, late.signal]);
  try {
    return await Promise.all(divided.map((one) => inspectService(one, either)));
  } finally {
    timer.cancel();
  }
}

async function inspectService({ service, versions }: DividedService, signal: AbortSignal): Promise<InspectedService> {
  const learned = await Promise.all(versions.map((version) => learn(service, version, signal)));
  const known: { readonly fingerprint: string; readonly contract: DescService }[] = [];
  const inspected = versions.map(({ fingerprint, instances }, index): InspectedVersion => {
    const ids = instances.map(({ instanceId }) => instanceId);
    const found = learned[index] ?? { reason: 'not asked' };
    if (!('contract' in found)) {
      return { fingerprint, instances: ids, comparisons: [], notCompared: found.reason };
    }
    const comparisons = known.map(({ fingerprint: other, contract }) => {
      return { with: other, differences: compareContracts(contract, found.contract) };
    });
    known.push({ fingerprint, contract: found.contract });
    return { fingerprint, instances: ids, comparisons, notCompared: null };
  });
  return { service, compatible: verdict(inspected), versions: inspected };
}

function verdict(versions: readonly InspectedVersion[]): boolean | null {
  const differences = versions
    .flatMap(({ comparisons }) => comparisons)
    .flatMap((comparison) => comparison.differences);
  if (differences.some(({ kind }) => kind === 'incompatible')) return false;
  return versions.every(({ notCompared }) => notCompared === null) ? true : null;
}
