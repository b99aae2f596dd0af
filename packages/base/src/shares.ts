/** What one client keeps of a bound. */
interface Client {
  amount: number;
  /** What waits for the client: first what has waited the longest without progress. */
  readonly waiting: Set<Share>;
}

/**
 * A bound for all clients, such as that of the memory that answers take until they have been read. A client takes at most half of what
 * the others leave free. If that is too little, the client that keeps most gives up what has waited the longest for it, as long as it
 * keeps more than the one that asks.
 *
 * Source: Choudhury and Hahne, Dynamic queue length thresholds for shared-memory packet switches, 1998.
 */
export class Shares {
  readonly #max: number;
  #amount = 0;
  readonly #clients = new Map<string, Client>();

  constructor(max: number) {
    this.#max = max;
  }

  /** How much is kept. */
  get amount(): number {
    return this.#amount;
  }

  /**
   * What a request or an answer of a client keeps.
   *
   * @param giveUp ends it, so that others have room. It keeps nothing from then on. Without it, it isn't given up.
   */
  of(client: string, giveUp?: () => void): Share {
    return new Share((share, amount) => this.#hold(client, share, amount), giveUp);
  }

  #hold(name: string, share: Share, amount: number): boolean {
    const client = this.#clients.get(name) ?? { amount: 0, waiting: new Set() };
    const more = amount - share.amount;
    if (more > 0 && !this.#makeRoom(client, share, more)) return false;
    client.waiting.delete(share);
    if (share.waits && amount > 0) client.waiting.add(share);
    client.amount += more;
    this.#amount += more;
    if (client.amount > 0) this.#clients.set(name, client);
    else this.#clients.delete(name);
    return true;
  }

  #makeRoom(client: Client, share: Share, more: number): boolean {
    while (client.amount + more > Math.ceil((this.#max - this.#amount + client.amount) / 2)) {
      let most = client;
      for (const other of this.#clients.values())
        if (other.waiting.size > 0 && other.amount > most.amount + (most === client ? more : 0)) most = other;
      const [stalest, next] = most.waiting;
      const victim = stalest === share ? next : stalest;
      if (victim === undefined) return false;
      victim.giveUp();
    }
    return true;
  }
}

/** See {@link Shares.of}. */
export class Share {
  amount = 0;
  #giveUp: (() => void) | undefined;
  #isGivenUp = false;
  readonly #change: (share: Share, amount: number) => boolean;

  constructor(change: (share: Share, amount: number) => boolean, giveUp: (() => void) | undefined) {
    this.#change = change;
    this.#giveUp = giveUp;
  }

  /** Whether it waits for its client, and so can be given up. */
  get waits(): boolean {
    return this.#giveUp !== undefined;
  }

  /** Keeps so much from now on, and has moved. False, and nothing changes, if its client would keep too many. */
  hold(amount: number): boolean {
    // What ends, or is still being read, would otherwise take the room of others again.
    if (this.#isGivenUp && amount > 0) return false;
    if (!this.#change(this, amount)) return false;
    this.amount = amount;
    return true;
  }

  /** It doesn't wait for its client any more, and isn't given up for others. */
  settle(): void {
    this.#giveUp = undefined;
    this.hold(this.amount);
  }

  giveUp(): void {
    this.hold(0);
    this.#isGivenUp = true;
    this.#giveUp?.();
  }
}
