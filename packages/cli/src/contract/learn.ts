import { create, createFileRegistry, type DescService } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { createChannel } from '@rondo/rpc/client';
import { staticResolver } from '@rondo/rpc/resolver';
import { addressOf, statusOf } from '../registry/index.js';
import { createReflection } from '../schema/index.js';
import { reasonOf } from '../thrown.js';
import type { Version } from './versions.js';

/** A version's contract, or why it can't be had. */
export type Learned = { readonly contract: DescService } | { readonly reason: string };

/** As many are asked, one after the other, where the first can't be reached. */
const INSTANCES_ASKED = 3;

/** Asks an instance that speaks a version for the contract of `service`, by reflection. */
export async function learn(service: string, { instances }: Version, signal: AbortSignal): Promise<Learned> {
  const serving = instances.filter((instance) => statusOf(instance) === 'SERVING');
  const addresses = (serving.length > 0 ? serving : instances).slice(0, INSTANCES_ASKED).map(addressOf);
  try {
    return { contract: await ask(service, addresses, signal) };
  } catch (error) {
    return { reason: `${addresses.join(', ')}: ${signal.aborted ? 'no answer in time' : reasonOf(error)}` };
  }
}

async function ask(service: string, addresses: readonly string[], signal: AbortSignal): Promise<DescService> {
  const channel = createChannel({ resolver: staticResolver(addresses) });
  try {
    const files = await createReflection(channel, signal).filesOf(service);
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...files] }));
    const contract = registry.getService(service);
    if (contract === undefined) throw new Error('the service is not in the descriptors that it returned');
    return contract;
  } finally {
    channel.close();
  }
}
