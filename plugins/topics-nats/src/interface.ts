/** What the package gives, without the types of the client: those compile under fewer settings than a user may have. */

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

/** NATS JetStream: a stream for each topic, and for each group a consumer of each partition. Each method rejects while NATS is away. */
export interface NatsBroker {
  /** Makes the stream of a topic, or brings it up to date, and makes those of the groups that aren't there: they get the events from then on. */
  open(topic: string, has: { readonly retentionMs: number; readonly groups: readonly string[] }): Promise<void>;
  /** Removes a group. */
  end(group: BrokerGroup): Promise<void>;
  /** Resolves once the stream has the event. */
  send(event: BrokerEvent): Promise<void>;
  /** Takes the events of a group, among the processes that do. */
  receive(group: BrokerGroup, how: Receiving): Receiver;
  /** What the groups of a topic haven't taken, by their names in the topic. */
  waiting(topic: string): Promise<ReadonlyMap<string, Waiting>>;
  /** The events of a topic that a group has taken, and that were published at this time or later. */
  read(group: BrokerGroup, from: Date): AsyncIterable<BrokerEvent>;
  close(): Promise<void>;
}
