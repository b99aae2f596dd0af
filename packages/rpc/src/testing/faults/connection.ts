import type { Clock, Timer } from '@rondo/base';
import type { Reply } from '../../call/call.js';
import { CallContext } from '../../call/call-context.js';
import { transportErrors } from '../../errors/transport.js';
import { Status } from '../../status/code.js';
import { TransportError } from '../../status/wire-errors.js';
import type { Transport, WireCall } from '../../transport/transport.js';
import type { CallFault } from './conditions.js';
import { type Carrier, Exchange } from './exchange.js';
import { delayMs, type Peer, roundTripMs, type SharedNetwork } from './network-state.js';

interface ConnectionEnds {
  readonly client: Peer;
  readonly server: Peer;
  readonly address: string;
}

/** What the client's end hears of a connection. */
interface ConnectionListener {
  /** Runs once, when the client learns that the connection is lost. */
  readonly onLost: (reason: string) => void;
  /** Runs when the server has fallen silent, or is heard again. */
  readonly onSilence: () => void;
}

/** An open connection, until it is lost. */
export class Connection implements Carrier {
  readonly #shared: SharedNetwork;
  readonly #ends: ConnectionEnds;
  /** Carries calls to the handler. It breaks when the listener closes. */
  readonly #inner: Transport;
  readonly #listener: ConnectionListener;
  readonly #toServer: MessagePipe;
  readonly #toClient: MessagePipe;
  readonly #calling = new Set<Exchange>();
  readonly #serving = new Set<Exchange>();
  readonly #unsubscribe: readonly (() => void)[];
  /** Requests held until another overtakes them. */
  #held: { readonly send: () => void; readonly timer: Timer }[] = [];
  silent = false;
  /** Ends the wait until the server counts as silent, and until the connection is lost. */
  #silence: Timer | undefined;
  #keepalive: Timer | undefined;
  /** Whether the listener has closed, even if another listens at the address by now. */
  #gone = false;
  #lost = false;
  /** Whether both ends are about to learn of its end. */
  #ending = false;

  constructor(shared: SharedNetwork, ends: ConnectionEnds, listener: ConnectionListener) {
    this.#shared = shared;
    this.#ends = ends;
    this.#listener = listener;
    this.#toServer = this.#pipe(ends.client, ends.server);
    this.#toClient = this.#pipe(ends.server, ends.client);
    this.#inner = shared.memory.transport(ends.address);
    // It is ready at once, because a process listens.
    this.#inner.connect().catch(() => this.lose());
    const onGone = () => {
      this.#gone = true;
      this.#check();
    };
    this.#unsubscribe = [this.#inner.subscribe(onGone), shared.conditions.subscribe(this.#check)];
    this.#check();
  }

  call(wire: WireCall): Promise<Reply<Uint8Array>> {
    if (this.#lost) return Promise.reject(new TransportError(Status.UNAVAILABLE, 'no connection', { reach: 'unsent' }));
    const { client, server } = this.#ends;
    const request = this.#shared.emptyWatches.request(client.name, server.name, wire);
    const fault = this.#shared.callFaults.take(client.name, server.name, wire.path);
    const exchange = new Exchange(request === wire.request ? wire : { ...wire, request }, this, fault);
    this.#calling.add(exchange);
    if (fault?.kind === 'reorder') this.#hold(exchange, fault);
    else this.#send(exchange);
    if (fault?.kind === 'duplicate') this.#duplicate(wire, fault);
    return exchange.reply;
  }

  toServer(deliver: () => void): void {
    this.#toServer.send(deliver);
  }

  toClient(deliver: () => void): void {
    this.#toClient.send(deliver);
  }

  handle(wire: WireCall): Promise<Reply<Uint8Array>> {
    return this.#inner.call(wire);
  }

  aheadMs(): number {
    const { client, server } = this.#ends;
    return server.clock.now() - client.clock.now();
  }

  outgoing(wire: WireCall, messages: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const { client, server } = this.#ends;
    return this.#shared.emptyWatches.messages({ from: client.name, to: server.name }, wire, messages);
  }

  onReceived(exchange: Exchange): void {
    this.#calling.delete(exchange);
  }

  onServing(exchange: Exchange): void {
    this.#serving.add(exchange);
  }

  onServed(exchange: Exchange): void {
    this.#serving.delete(exchange);
  }

  /** Fails the calls of `contexts`: they are made elsewhere. */
  abandon(contexts: ReadonlySet<CallContext>): void {
    for (const exchange of [...this.#calling])
      if (contexts.has(exchange.context)) exchange.leave(transportErrors.SILENT({ reach: 'unknown' }));
  }

  /** Breaks the connection. Each end learns of it as soon as a message can reach it. */
  lose(reason = 'the connection broke'): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#silence?.cancel();
    this.#keepalive?.cancel();
    for (const { timer } of this.#held.splice(0)) timer.cancel();
    const { client, server } = this.#ends;
    // Messages that had arrived at a frozen process are read when it runs again, before the end of the connection. So
    // are the messages that a server sent before it stopped.
    if (!server.frozen) this.#toServer.clear();
    const heard = this.#gone && Number.isFinite(delayMs(this.#shared, server, client));
    if (!client.frozen && !heard) this.#toClient.clear();
    this.#toServer.send(() => this.#endServing());
    this.#toClient.send(() => this.#endCalling(reason));
    if (!server.alive) this.#inner.close();
    this.#ending = true;
    this.#pump();
  }

  /** Closes the connection from the client's side; calls in flight fail. */
  close(): void {
    this.lose('the connection was closed');
  }

  #pipe(from: Peer, to: Peer): MessagePipe {
    const { clock, timing, conditions, random } = this.#shared;
    return new MessagePipe({
      clock,
      latencyMs: () => {
        if (this.#lost) return 0;
        const extraMs = conditions.delayMs(from.name, to.name);
        const delayedMs = Number.isFinite(extraMs) && extraMs > 0 ? extraMs * (0.5 + 0.5 * random.next()) : 0;
        return (from.slowness > 1 ? Math.max(timing.latencyMs, 1) * from.slowness : timing.latencyMs) + delayedMs;
      },
      blocked: () =>
        !to.alive || to.frozen || (!this.#lost && conditions.delayMs(from.name, to.name) === Number.POSITIVE_INFINITY),
    });
  }

  #send(exchange: Exchange): void {
    exchange.begin();
    for (const { send, timer } of this.#held.splice(0)) {
      timer.cancel();
      send();
    }
  }

  #hold(exchange: Exchange, { withinMs }: CallFault & { kind: 'reorder' }): void {
    const send = () => exchange.begin();
    const onTime = () => {
      this.#held = this.#held.filter((one) => one !== held);
      send();
    };
    const held = { send, timer: this.#shared.clock.setTimer(withinMs, onTime) };
    this.#held.push(held);
  }

  /** Sends a copy over a connection of its own, so that it arrives even if this one breaks. Its answer is discarded. */
  #duplicate(wire: WireCall, { afterMs }: CallFault & { kind: 'duplicate' }): void {
    if (wire.request.stream || wire.responseStream) return;
    const { memory, clock } = this.#shared;
    const { address, client } = this.#ends;
    clock.setTimer(afterMs, () => {
      const server = this.#shared.peerAt(address);
      if (server === undefined || !Number.isFinite(delayMs(this.#shared, client, server))) return;
      const copy = memory.transport(address);
      const context = new CallContext();
      const arrive = () => copy.call({ ...wire, deadline: undefined, context });
      const end = () => copy.close();
      copy.connect().then(arrive).then(end, end);
    });
  }

  /** Watches for silence, and for the server's end once the client can learn of that. */
  readonly #check = (): void => {
    if (!this.#lost) this.#ping();
    this.#pump();
  };

  #ping(): void {
    const { client, server } = this.#ends;
    const { clock, random, timing } = this.#shared;
    const gone = this.#gone || !client.alive;
    if (gone) {
      if (delayMs(this.#shared, server, client) !== Number.POSITIVE_INFINITY) this.lose();
      return;
    }
    const answeredMs = roundTripMs(this.#shared, client, server);
    const pingedMs = random.next() * timing.keepaliveMs;
    if (answeredMs < timing.silentAfterMs) this.#setSilent(false);
    else this.#silence ??= clock.setTimer(pingedMs + timing.silentAfterMs, () => this.#setSilent(!client.frozen));
    if (answeredMs < timing.keepaliveTimeoutMs) {
      this.#keepalive?.cancel();
      this.#keepalive = undefined;
    } else {
      const lose = () => this.lose('no answer to a keepalive');
      this.#keepalive ??= clock.setTimer(pingedMs + timing.keepaliveTimeoutMs, lose);
    }
  }

  #setSilent(silent: boolean): void {
    if (!silent) {
      this.#silence?.cancel();
      this.#silence = undefined;
    }
    if (this.silent === silent) return;
    this.silent = silent;
    this.#listener.onSilence();
  }

  #pump(): void {
    this.#toServer.pump();
    this.#toClient.pump();
    if (!this.#ending) return;
    const { client, server } = this.#ends;
    if ((this.#toServer.busy && server.alive) || (this.#toClient.busy && client.alive)) return;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #endServing(): void {
    for (const exchange of [...this.#serving]) exchange.abandon();
    this.#inner.close();
  }

  #endCalling(reason: string): void {
    const error = new TransportError(Status.UNAVAILABLE, `${reason} while the call was in flight`, {
      reach: 'unknown',
    });
    for (const exchange of [...this.#calling]) exchange.fail(error);
    this.#listener.onLost(reason);
  }
}

/** The state of one direction of a connection. */
interface MessagePipeOptions {
  readonly clock: Clock;
  /** The latency of a message sent now. */
  readonly latencyMs: () => number;
  /** Whether no message can arrive now. */
  readonly blocked: () => boolean;
}

interface Message {
  readonly at: number;
  readonly deliver: () => void;
}

/** One direction of a connection. Messages arrive in order, after their latency, and once the route isn't blocked. */
class MessagePipe {
  readonly #options: MessagePipeOptions;
  #queue: Message[] = [];
  #timer: Timer | undefined;

  constructor(options: MessagePipeOptions) {
    this.#options = options;
  }

  /** Whether messages are on their way. */
  get busy(): boolean {
    return this.#queue.length > 0;
  }

  /** Calls `deliver` when the message arrives: at once if nothing delays it. */
  send(deliver: () => void): void {
    const { clock, latencyMs } = this.#options;
    const at = Math.max(clock.now() + latencyMs(), this.#queue.at(-1)?.at ?? 0);
    this.#queue.push({ at, deliver });
    this.pump();
  }

  /** Delivers the messages that can arrive by now. */
  pump(): void {
    const { clock, blocked } = this.#options;
    for (let head = this.#queue[0]; head !== undefined && !blocked(); head = this.#queue[0]) {
      if (head.at > clock.now()) {
        this.#wakeAt(head.at);
        return;
      }
      this.#queue.shift();
      head.deliver();
    }
  }

  clear(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#queue = [];
  }

  #wakeAt(at: number): void {
    if (this.#timer !== undefined) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimer(at - clock.now(), () => {
      this.#timer = undefined;
      this.pump();
    });
  }
}
