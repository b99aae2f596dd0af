import type { Clock } from '@rondo/rpc/clock';
import type { AskedPlugin } from '@rondo/rpc/internal';

/** An event as it is carried. */
export interface BrokerEvent {
  /** One that is sent again within two minutes is dropped. */
  readonly id: string;
  /** Such as `sales.v1.OrderPlaced`. */
  readonly topic: string;
  /** Empty for none. */
  readonly key: string;
  readonly event: Uint8Array;
  readonly traceparent: string;
  /** When it was published. */
  readonly time: Date;
}

/** A group of subscribers. */
export interface BrokerGroup {
  readonly topic: string;
  /** In its topic. */
  readonly group: string;
}

/** What a group hasn't taken. */
export interface Waiting {
  readonly waiting: number;
  /** How many it is being called with. */
  readonly running: number;
  /** When the oldest was published; undefined if none is left. */
  readonly oldestTime: Date | undefined;
}

/** Takes an event for a group. Until it resolves, no further event of the partition is given to any process; if it rejects, this one is again. */
export type Take = (event: BrokerEvent, signal: AbortSignal) => Promise<void>;

/** What becomes of the messages of a group. */
export interface Receiving {
  readonly take: Take;
  /** Called if the group is no longer there. */
  readonly onLost: () => void;
  /** Called with the subject of a message that is no event of Rondo: the group doesn't get it, nor any other process of the group. */
  readonly onUnreadable: (subject: string) => void;
}

/** Gives the events of a group to this process, among others. */
export interface Receiver {
  /** Aborts what runs, and gives it to other processes. */
  close(): Promise<void>;
}

/**
 * Carries events from publishers to the groups of subscribers: each group gets each event of its topic, and of a key one after the other.
 * Each method rejects while the broker is away.
 */
export interface Broker {
  /** Makes room for a topic, or brings it up to date, and adds the groups that aren't there: they get the events from then on. */
  open(topic: string, has: { readonly retentionMs: number; readonly groups: readonly string[] }): Promise<void>;
  /** Removes a group. */
  end(group: BrokerGroup): Promise<void>;
  /** Resolves once the broker has stored the event. */
  send(event: BrokerEvent): Promise<void>;
  /** Takes the events of a group, among the processes that do. */
  receive(group: BrokerGroup, how: Receiving): Receiver;
  /** What the groups of a topic haven't taken, by their names in the topic. */
  waiting(topic: string): Promise<ReadonlyMap<string, Waiting>>;
  /** The events of a topic that a group has taken, and that were published at this time or later. */
  read(group: BrokerGroup, from: Date): AsyncIterable<BrokerEvent>;
  close(): Promise<void>;
}

/** A plugin that opens brokers. */
export interface BrokerPlugin {
  readonly kind: 'broker';
  /** Such as `@rondo/topics-nats`. */
  readonly package: string;
  /** The schemes of `RONDO_TOPICS` that it is for, such as `nats`. */
  readonly schemes: readonly string[];
  /** Opens a broker, which connects when it is needed. @throws TypeError if the URL is wrong. */
  open(url: string, options: { readonly clock: Clock }): Broker | Promise<Broker>;
}

/** Opens the broker that a plugin is for. @throws TypeError if it is none of {@link BrokerPlugin}. */
export function openBroker({ plugin, url }: AskedPlugin, clock: Clock): Broker | Promise<Broker> {
  if (!isBroker(plugin)) throw new TypeError('the plugin for RONDO_TOPICS opens no broker');
  return plugin.open(url, { clock });
}

const isBroker = (plugin: AskedPlugin['plugin']): plugin is BrokerPlugin =>
  plugin.kind === 'broker' && 'open' in plugin;
