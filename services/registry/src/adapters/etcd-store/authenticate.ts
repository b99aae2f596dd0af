import type { AuthDefinition } from '@rondo/contracts/etcd-v3/rpc';
import { runOutsideScope } from '@rondo/rpc/call';
import type { Client, ClientCall } from '@rondo/rpc/client';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';

/** A user of etcd with its password. */
export interface EtcdCredentials {
  readonly user: string;
  readonly password: string;
}

/** The metadata key of etcd's tokens. */
const TOKEN = 'token';
const LOGIN_TIMEOUT_MS = 1_000;
/** etcd's messages for a token that it has forgotten, or that is older than a change of its users. */
const STALE_TOKEN = ['invalid auth token', 'revision of auth store is old'];

/** Puts a user's token on each call. */
export interface Authentication {
  readonly middleware: Middleware<ClientCall>;
  /** Drops the token: the next call gets a new one. */
  renew(): void;
}

/**
 * Creates the middleware that puts a token of `credentials` on each call. The first call requests the token. A call
 * requests a new one when etcd rejects the old one: tokens expire, and they are lost with the member that issued them.
 * The password is sent only in the request for a token.
 */
export function authenticate(credentials: EtcdCredentials, auth: Client<typeof AuthDefinition>): Authentication {
  let token: Promise<string> | undefined;
  const renew = () => {
    token = undefined;
  };
  const current = () => {
    token ??= login(credentials, auth).catch((error: unknown) => {
      renew();
      throw error;
    });
    return token;
  };
  const middleware: Middleware<ClientCall> = async (call, next) => {
    call.metadata.set(TOKEN, await current());
    try {
      return await next(call);
    } catch (error) {
      if (!isStale(error)) throw error;
      renew();
      call.metadata.set(TOKEN, await current());
      return next(call);
    }
  };
  return { middleware, renew };
}

/** Calls that wait for a token share one request, so the request isn't bound by the deadline of any of them. */
async function login({ user, password }: EtcdCredentials, auth: Client<typeof AuthDefinition>): Promise<string> {
  const request = { name: user, password };
  const { token } = await runOutsideScope(() => auth.authenticate(request, { timeoutMs: LOGIN_TIMEOUT_MS }));
  return token;
}

function isStale(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  if (error.code !== Status.UNAUTHENTICATED && error.code !== Status.INVALID_ARGUMENT) return false;
  return STALE_TOKEN.some((text) => error.message.includes(text));
}
