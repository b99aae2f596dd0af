import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Clock, systemClock, type Timer } from '@rondo/base';
import { Connection } from './connection.js';

export interface TcpProxyOptions {
  /** The address that it connects to: `host:port`. */
  readonly target: string;
  /** The round-trip time, half of it in each direction. Milliseconds; 0 by default. */
  readonly roundTripMs?: number;
  /**
   * The bandwidth of each connection in each direction, in bytes per second; no limit by default. 1 Mbit/s is 125,000.
   */
  readonly bytesPerSecond?: number;
  /** Resets all connections at this interval. Milliseconds; never by default. */
  readonly cutEveryMs?: number;
  /**
   * Stalls by itself after this time; 0 for a proxy that accepts connections and never sends anything. Milliseconds.
   */
  readonly stallAfterMs?: number;
  /** The port on the loopback interface; any free one by default. */
  readonly port?: number;
  readonly clock?: Clock;
}

/** A network path to a server with faults on command. Stalling and resuming also apply to later connections. */
export interface TcpProxy {
  /** `host:port`, to use in place of the target's address. */
  readonly address: string;
  readonly connections: number;
  /** Bytes on their way: at most about 256 KiB per connection. */
  readonly inTransitBytes: number;
  /** Bytes that came from both ends so far. */
  readonly receivedBytes: number;
  /** Stalls the path: no byte arrives, no connection breaks, and new connections are accepted. */
  stall(): void;
  /** Ends a stall. The held bytes arrive, as TCP retransmits what a broken path has lost. */
  resume(): void;
  cut(): void;
  /**
   * Leaves the open connections half open: the target's socket is reset, the caller's stays open and gets no answer.
   */
  abandon(): void;
  /** Resets all connections and stops listening. */
  close(): Promise<void>;
}

/** The most connections; more are refused. */
const MAX_CONNECTIONS = 1_000;

/**
 * Starts a proxy on the loopback interface that forwards to a target. Register its address in place of the target's.
 *
 * @throws RangeError if the target isn't `host:port`.
 */
export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const { clock = systemClock, roundTripMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY, port = 0 } = options;
  const target = parseTarget(options.target);
  const line = { clock, delayMs: roundTripMs / 2, bytesPerSecond };
  const connections = new Set<Connection>();
  const timers = new Set<Timer>();
  let stalled = false;
  let receivedBytes = 0;

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (caller) => {
    const ends = { caller, target: dial(target) };
    const connection = new Connection(ends, line, () => connections.delete(connection));
    connections.add(connection);
    for (const end of [ends.caller, ends.target]) {
      end.on('data', (bytes) => {
        receivedBytes += bytes.length;
      });
    }
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
    get receivedBytes() {
      return receivedBytes;
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

/** Schedules the faults that come by themselves. */
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
