import { CallLimit, type Reply } from '../../call/index.js';
import type { Clock, Timer } from '../../clock/index.js';
import { Status } from '../../status/index.js';
import { type Transport, TransportError, type WireCall } from '../../transport/index.js';
import { type Carrier, Exchange } from './exchange.js';
import { type CallFault, delayMs, type Peer, responds, type SharedNetwork } from './network-state.js';

/** Between whom a connection is. */
interface ConnectionEnds {
  readonly client: Peer;
  readonly server: Peer;
  readonly address: string;
}

/** A connection that stands, until it is lost. */
export class Connection implements Carrier {
  readonly #shared: SharedNetwork;
  readonly #ends: ConnectionEnds;
  /** Carries calls to the handler; it breaks when the listener goes. */
  readonly #inner: Transport;
  readonly #onLost: (reason: string) => void;
  readonly #toServer: MessagePipe;
  readonly #toClient: MessagePipe;
  readonly #calling = new Set<Exchange>();
  readonly #serving = new Set<Exchange>();
  readonly #unsubscribe: readonly (() => void)[];
  /** Requests that wait to be overtaken. */
  #held: { readonly send: () => void; readonly timer: Timer }[] = [];
  #keepalive: Timer | undefined;
  /** Whether who listened has gone, be it that another listens there by now. */
  #gone = false;
  #lost = false;
  /** Whether word of its end is under way to both. */
  #ending = false;

  /** @param onLost runs once, when the client's end hears of it. */
  constructor(shared: SharedNetwork, ends: ConnectionEnds, onLost: (reason: string) => void) {
    this.#shared = shared;
    this.#ends = ends;
    this.#onLost = onLost;
    this.#toServer = this.#pipe(ends.client, ends.server);
    this.#toClient = this.#pipe(ends.server, ends.client);
    this.#inner = shared.memory.transport(ends.address);
    // It is ready at once, as somebody listens.
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

  /** Breaks it: each end hears of it as soon as it can hear anything. */
  lose(reason = 'the connection broke'): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#keepalive?.cancel();
    for (const { timer } of this.#held.splice(0)) timer.cancel();
    const { client, server } = this.#ends;
    // What had arrived at a frozen process is read when it runs again, before the end of the connection; so is what a
    // server said before it went.
    if (!server.frozen) this.#toServer.clear();
    const heard = this.#gone && Number.isFinite(delayMs(this.#shared, server, client));
    if (!client.frozen && !heard) this.#toClient.clear();
    this.#toServer.send(() => this.#endServing());
    this.#toClient.send(() => this.#endCalling(reason));
    if (!server.alive) this.#inner.close();
    this.#ending = true;
    this.#pump();
  }

  /** Ends it as its client does: what is in flight fails. */
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

  /** The copy goes its own way: it arrives whatever becomes of this connection, and nobody hears its answer. */
  #duplicate(wire: WireCall, { afterMs }: CallFault & { kind: 'duplicate' }): void {
    if (wire.request.stream || wire.responseStream) return;
    const { memory, clock } = this.#shared;
    const { address, client } = this.#ends;
    clock.setTimer(afterMs, () => {
      const server = this.#shared.peerAt(address);
      if (server === undefined || !Number.isFinite(delayMs(this.#shared, client, server))) return;
      const copy = memory.transport(address);
      const limit = new CallLimit();
      const arrive = () => copy.call({ ...wire, deadline: undefined, limit });
      const end = () => copy.close();
      copy.connect().then(arrive).then(end, end);
    });
  }

  /** A connection that answers nothing is ended by its keepalive; one whose server has gone, once that can be heard. */
  readonly #check = (): void => {
    if (!this.#lost) this.#ping();
    this.#pump();
  };

  #ping(): void {
    const { client, server } = this.#ends;
    const gone = this.#gone || !client.alive;
    if (gone && delayMs(this.#shared, server, client) !== Number.POSITIVE_INFINITY) this.lose();
    else if (!gone && responds(this.#shared, client, server)) {
      this.#keepalive?.cancel();
      this.#keepalive = undefined;
    } else if (this.#keepalive === undefined) {
      const { clock, random, timing } = this.#shared;
      const afterMs = random.next() * timing.keepaliveMs + timing.keepaliveTimeoutMs;
      this.#keepalive = clock.setTimer(afterMs, () => this.lose('no answer to a keepalive'));
    }
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
    this.#onLost(reason);
  }
}

/** How one direction of a connection is. */
interface MessagePipeOptions {
  readonly clock: Clock;
  /** How long what is sent now takes. */
  readonly latencyMs: () => number;
  /** Whether nothing arrives now. */
  readonly blocked: () => boolean;
}

interface Message {
  readonly at: number;
  readonly deliver: () => void;
}

/** One direction of a connection: what is sent arrives in order, late or once it can. */
class MessagePipe {
  readonly #options: MessagePipeOptions;
  #queue: Message[] = [];
  #timer: Timer | undefined;

  constructor(options: MessagePipeOptions) {
    this.#options = options;
  }

  /** Whether something is still under way. */
  get busy(): boolean {
    return this.#queue.length > 0;
  }

  /** Has `deliver` called when it arrives: at once where nothing is in its way. */
  send(deliver: () => void): void {
    const { clock, latencyMs } = this.#options;
    const at = Math.max(clock.now() + latencyMs(), this.#queue.at(-1)?.at ?? 0);
    this.#queue.push({ at, deliver });
    this.pump();
  }

  /** Delivers what can arrive by now. */
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

  /** Loses what is under way. */
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
