import type { Instance } from '@rondo/contracts/rondo/registry/v1/registry';
import { addressOf, Counters, type Sample, unsampled } from '@rondo/operate/internal';
import { type Channel, staticResolver } from '@rondo/rpc/client';
import { createSemaphore } from '@rondo/rpc/clock';
import { openChannel } from '../channels.js';
import type { Asking } from '../deadline.js';
import { inTime } from '../listing/check.js';

/** What is known of an instance. */
export interface Sampled extends Sample {
  readonly instance: Instance;
}

export interface SamplerOptions extends Asking {
  readonly concurrency?: number | undefined;
  /** Runs after each sample of an instance but its first. */
  readonly onSample?: (sampled: Sampled) => void;
}

/** Creates what asks instances for their counters, again and again. It keeps a connection to each, and the last answer of each. */
export function createSampler({ onSample, concurrency = 64, ...asking }: SamplerOptions) {
  const watched = new Map<string, Watched>();
  const semaphore = createSemaphore(concurrency);

  async function ask(one: Watched): Promise<void> {
    if (one.asking) return;
    one.asking = true;
    await semaphore.run(() => one.ask());
    one.asking = false;
    if (one.samples > 1 && watched.get(one.sampled.instance.instanceId) === one) onSample?.(one.sampled);
  }

  function follow(instances: readonly Instance[]): void {
    const wanted = new Map(instances.map((instance) => [instance.instanceId, instance]));
    for (const [id, one] of watched) {
      const instance = wanted.get(id);
      if (instance !== undefined && addressOf(instance) === one.address) one.sampled = { ...one.sampled, instance };
      else {
        one.channel.close();
        watched.delete(id);
      }
    }
    for (const [id, instance] of wanted) if (!watched.has(id)) watched.set(id, new Watched(instance, asking));
  }

  return {
    /** The instances to ask from now on. Connections to the others are closed. */
    follow,
    /** Asks each instance that isn't being asked already. Resolves when these have answered, or their time is over. */
    async ask() {
      // Those that are silent come last, so that they hold up no other.
      const isSilent = ({ sampled }: Watched) => Number(sampled.state === 'unreachable');
      await Promise.all([...watched.values()].sort((a, b) => isSilent(a) - isSilent(b)).map(ask));
    },
    /** What is known now, in the order of the instances. */
    read: (): readonly Sampled[] => [...watched.values()].map(({ sampled }) => sampled),
    close: () => follow([]),
  };
}

/** One instance, its connection and its last sample. */
class Watched {
  readonly address: string;
  readonly channel: Channel;
  sampled: Sampled;
  asking = false;
  samples = 0;
  readonly #asking: Asking;
  readonly #counters: Counters;

  constructor(instance: Instance, asking: Asking) {
    this.address = addressOf(instance);
    this.sampled = { instance, ...unsampled('waiting', 'it has not answered yet') };
    this.channel = openChannel({ resolver: staticResolver([this.address]), clock: asking.clock });
    this.#asking = asking;
    this.#counters = new Counters(instance.instanceId, this.channel);
  }

  async ask(): Promise<void> {
    this.samples += 1;
    const sample =
      this.address === ''
        ? unsampled('unreachable', 'it names no address')
        : await this.#counters.ask((client) => inTime(this.#asking, (signal) => client.getCallStats({}, { signal })));
    // The registry may have sent a change of it meanwhile.
    this.sampled = { ...sample, instance: this.sampled.instance };
  }
}
