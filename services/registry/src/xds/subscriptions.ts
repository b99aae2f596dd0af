import type { Any } from '@rondo/contracts/google/protobuf/any';
import type { DiscoveryRequest, DiscoveryResponse } from '@rondo/contracts/rondo/xds/v1/xds';
import { registryErrors } from '../rpc/errors.js';
import { serviceOf } from './clusters.js';
import { type ResourceType, TYPES } from './resources.js';

/** What a client has refused of the resources of one type. */
export interface Refused {
  readonly type: string;
  /** In the client's own words, at most {@link MAX_REASON} characters. */
  readonly reason: string;
  readonly timeMs: number;
}

/** The resources of one type that a client wants, and those that it has. */
interface Subscription {
  readonly names: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  /** What was sent last, by name. */
  readonly sent: Map<string, Any>;
  /** That of the last response; empty before the first one. */
  nonce: string;
  refused: Refused | undefined;
}

/** The most names that a client may subscribe to, of each type. */
export const MAX_NAMES = 1_000;
/** No service has a longer name, nor a cluster. Characters. */
const MAX_NAME = 512;
const MAX_REASON = 1_000;

/** Instances and clusters before the routes that lead to them. */
const ORDER = [TYPES.cluster, TYPES.endpoints, TYPES.listener];

/**
 * The subscriptions of one stream, by the state-of-the-world protocol.
 *
 * Source: https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol
 */
export class Subscriptions {
  readonly #byType = new Map<ResourceType, Subscription>();
  #responses = 0;

  /** What the client has refused, and not accepted since. */
  get refused(): readonly Refused[] {
    return [...this.#byType.values()].flatMap(({ refused }) => refused ?? []);
  }

  /** Whether the client has subscribed to a resource of one of these services. */
  concerns(services: ReadonlySet<string>): boolean {
    return [...services].some((service) => [...this.#byType.values()].some((one) => one.services.has(service)));
  }

  /**
   * Takes a request of the client. Returns what the client refuses by it; undefined if it refuses nothing.
   *
   * @throws RpcError `RESOURCE_EXHAUSTED` if it names too many resources.
   */
  apply({ typeUrl, resourceNames, responseNonce, errorDetail }: DiscoveryRequest, nowMs: number): Refused | undefined {
    const type = ORDER.find((known) => known === typeUrl);
    if (type === undefined) return undefined;
    if (resourceNames.length > MAX_NAMES)
      throw registryErrors.XDS_NAMES({ names: resourceNames.length, most: MAX_NAMES });
    const { nonce = '', sent = new Map<string, Any>(), refused: former } = this.#byType.get(type) ?? {};
    // The client hasn't seen the last response yet, and will answer it.
    if (responseNonce !== nonce) return undefined;
    const names = new Set(resourceNames.filter((name) => name.length <= MAX_NAME));
    for (const name of sent.keys()) if (!names.has(name)) sent.delete(name);
    const refused = errorDetail && {
      type: nameOf(type),
      reason: shortened(errorDetail.message, MAX_REASON),
      timeMs: nowMs,
    };
    const services = new Set([...names].map(serviceOf));
    this.#byType.set(type, { names, services, sent, nonce, refused: nonce === '' ? former : refused });
    return refused;
  }

  /**
   * The next response; undefined if the client has everything. Of endpoints it has those that changed. Of other types it has all: a client
   * takes what a response lacks for deleted.
   */
  next(find: (type: ResourceType, name: string) => Any | undefined): DiscoveryResponse | undefined {
    for (const type of ORDER) {
      const subscription = this.#byType.get(type);
      if (subscription === undefined) continue;
      const { names, sent } = subscription;
      const found = [...names].flatMap((name) => {
        const resource = find(type, name);
        return resource === undefined ? [] : [{ name, resource }];
      });
      const changed = found.filter(({ name, resource }) => !isSame(sent.get(name), resource));
      if (changed.length === 0) continue;
      for (const { name, resource } of changed) sent.set(name, resource);
      this.#responses += 1;
      subscription.nonce = String(this.#responses);
      const resources = (type === TYPES.endpoints ? changed : found).map(({ resource }) => resource);
      return { versionInfo: subscription.nonce, resources, typeUrl: type, nonce: subscription.nonce };
    }
    return undefined;
  }
}

/** The beginning of a text, as a copy: a part of a text keeps the whole. */
export const shortened = (text: string, most: number): string => Buffer.from(text.slice(0, most)).toString();

/** A service that changes leaves most of its resources as they are. */
const isSame = (sent: Any | undefined, now: Any): boolean => sent === now || sent?.value.equals(now.value) === true;

const nameOf = (type: ResourceType): string => type.slice(type.lastIndexOf('.') + 1);
