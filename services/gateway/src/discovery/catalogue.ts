import type { DescMethod, DescService, Registry } from '@bufbuild/protobuf';
import type { Endpoint } from '@rondo/rpc/client';
import type { Method } from '@rondo/rpc/internal';
import type { HttpBinding } from '@rondo/schema/http';

/** One method that the gateway offers. */
export interface PublicMethod {
  readonly method: Method;
  /** In the version of the contract that most instances serve: for OpenAPI, for GET, for the kinds of stream. */
  readonly desc: DescMethod;
  /** The method in the version that an instance serves; undefined if that version lacks it or isn't known yet. */
  descAt(endpoint: Endpoint | undefined): DescMethod | undefined;
  /** The method in each version that an instance serves. Missing: `desc` is the only one. */
  readonly versions?: readonly DescMethod[];
  /** All types of the contract's files and the standard error details, to read and write `google.protobuf.Any` in JSON. */
  readonly types: Registry;
  /** Whether HTTP/JSON writes 64-bit integers as numbers. */
  readonly int64AsNumber: boolean;
}

/** One service that the gateway offers. */
export interface PublicService {
  readonly name: string;
  readonly desc: DescService;
  readonly methods: readonly PublicMethod[];
  readonly bindings: readonly HttpBinding[];
  /** The instances that serve it now; 0 once the last one has left. */
  readonly instances: number;
}

/**
 * Why a method can't be called: it is not public or doesn't exist; or the last instance of its service left, or its
 * contract isn't known yet, or no instance tells a contract that can be used.
 */
export type Absent =
  | 'unknown'
  | { readonly service: string; readonly reason: 'NONE_RUNNING' | 'CONTRACT_PENDING' | 'CONTRACT_REFUSED' };

/** A route of `google.api.http` that fits a request. */
export interface RouteMatch {
  readonly target: PublicMethod;
  readonly binding: HttpBinding;
  /** The decoded values of the path's variables, by field path. */
  readonly variables: ReadonlyMap<string, string>;
}

/** A binding of a method that the gateway offers. */
export interface Route {
  readonly target: PublicMethod;
  readonly binding: HttpBinding;
  /** Why the route is off: the method whose route, or the configured owner that, claims all of its paths. Undefined if the route is on. */
  readonly takenBy: string | undefined;
}

/** What the gateway offers at this moment. */
export interface Catalogue {
  /** The method of a gRPC path, such as `/sales.v1.OrderService/PlaceOrder`. */
  method(path: string): PublicMethod | Absent;
  /**
   * The route that fits a request. `allow`: the path is known, but only with these HTTP methods. Undefined: no such path.
   */
  route(verb: string, path: string): RouteMatch | { readonly allow: readonly string[] } | undefined;
  /** The services, by name. A service stays in the list after its last instance has left. */
  readonly services: readonly PublicService[];
  /** The bindings of all methods, each once. */
  readonly routes: readonly Route[];
  /** Changes whenever anything of the above does. */
  readonly revision: number;
  /** Calls `listener` after each change, until the returned function is called. */
  onChange(listener: () => void): () => void;
}
