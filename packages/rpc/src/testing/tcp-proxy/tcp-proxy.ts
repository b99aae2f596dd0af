import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Clock, systemClock, type Timer } from '../../clock/index.js';
import { Connection } from './connection.js';

/** Where a proxy stands, and what the path through it is like. */
export interface TcpProxyOptions {
  /** Where its connections go on to: `host:port`. */
  readonly target: string;
  /** How long a byte and its answer are on their way together: half of it each way. Milliseconds; 0 by default. */
  readonly roundTripMs?: number;
  /** How many bytes a second each connection carries each way; no limit by default. 1 Mbit/s is 125,000. */
  readonly bytesPerSecond?: number;
  /** Breaks all connections this often. Milliseconds; never by default. */
  readonly cutEveryMs?: number;
  /** Stalls by itself after this long; 0 for a proxy that accepts connections and never speaks. Milliseconds. */
  readonly stallAfterMs?: number;
  /** The port to listen at on the loopback; any that is free by default. */
  readonly port?: number;
  readonly clock?: Clock;
}

/** A path to a server that can be made as bad as a test wants it. What is said here of connections is of those to come, too. */
export interface TcpProxy {
  /** `host:port`, to be called in the target's place. */
  readonly address: string;
  /** How many connections cross it. */
  readonly connections: number;
  /** Bytes on their way: at most about 256 KiB a connection. */
  readonly inTransitBytes: number;
  /** A black hole: nothing crosses any more, nothing breaks, and new connections are accepted. */
  stall(): void;
  /** Ends a stall: what was held goes on its way, as TCP sends again what a broken path has swallowed. */
  resume(): void;
  /** Resets the connections there are. */
  cut(): void;
  /** Leaves the connections there are half open: the target's end is reset, the caller's stands and gets no answer. */
  abandon(): void;
  /** Resets all connections and stops listening. */
  close(): Promise<void>;
}

/** As many as one process may well have open; more are refused. */
const MAX_CONNECTIONS = 1_000;

/**
 * Listens on the loopback and passes what it gets on to a target. Register its address in the target's place.
 *
 * @throws RangeError where the target is no `host:port`.
 */
export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const { clock = systemClock, roundTripMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY, port = 0 } = options;
  const target = parseTarget(options.target);
  const line = { clock, delayMs: roundTripMs / 2, bytesPerSecond };
  const connections = new Set<Connection>();
  const timers = new Set<Timer>();
  let stalled = false;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (caller) => {
    const ends = { caller, target: dial(target) };
    const connection = new Connection(ends, line, () => connections.delete(connection));
    connections.add(connection);
    if (stalled) connection.stall();
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  const proxy: TcpProxy = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections.size;
    },
    get inTransitBytes() {
      return [...connections].reduce((sum, { inTransit }) => sum + inTransit, 0);
    },
    stall() {
      stalled = true;
      for (const connection of connections) connection.stall();
    },
    resume() {
      stalled = false;
      for (const connection of connections) connection.resume();
    },
    cut() {
      for (const connection of connections) connection.cut();
    },
    abandon() {
      for (const connection of connections) connection.abandon();
    },
    async close() {
      for (const timer of timers) timer.cancel();
      const closed = once(server, 'close');
      server.close();
      proxy.cut();
      await closed;
    },
  };
  schedule(proxy, options, { clock, timers });
  return proxy;
}

/** The faults that come by themselves. */
function schedule(proxy: TcpProxy, options: TcpProxyOptions, time: { clock: Clock; timers: Set<Timer> }): void {
  const { cutEveryMs, stallAfterMs } = options;
  const after = (delayMs: number, act: () => void) => {
    const timer = time.clock.setTimer(delayMs, () => {
      time.timers.delete(timer);
      act();
    });
    time.timers.add(timer);
  };
  const cutAgain = (everyMs: number) => {
    after(everyMs, () => {
      proxy.cut();
      cutAgain(everyMs);
    });
  };
  if (stallAfterMs === 0) proxy.stall();
  else if (stallAfterMs !== undefined) after(stallAfterMs, () => proxy.stall());
  if (cutEveryMs !== undefined) cutAgain(cutEveryMs);
}

function dial({ host, port }: { host: string; port: number }): Socket {
  return connect({ host, port, allowHalfOpen: true, noDelay: true });
}

function parseTarget(target: string): { host: string; port: number } {
  const match = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(target);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new RangeError(`target: must be host:port, such as 127.0.0.1:50051; it is "${target}"`);
  return { host, port: Number(match?.[3]) };
}
