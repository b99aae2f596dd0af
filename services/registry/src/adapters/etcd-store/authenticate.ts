import type { AuthDefinition } from '@rondo/contracts/etcd-v3/rpc';
import { runOutsideScope } from '@rondo/rpc/call';
import type { Client, ClientCall } from '@rondo/rpc/client';
import type { Middleware } from '@rondo/rpc/middleware';
import { RpcError, Status } from '@rondo/rpc/status';
import type { EtcdCredentials } from './store-address.js';

/** The metadata key that etcd reads its tokens from. */
const TOKEN = 'token';
const LOGIN_TIMEOUT_MS = 1_000;
/** etcd's words for a token that it has forgotten, or that is older than a change of its users. */
const STALE_TOKEN = ['invalid auth token', 'revision of auth store is old'];

/** What puts a user's token on each call. */
export interface Authentication {
  readonly middleware: Middleware<ClientCall>;
  /** Forgets the token: the next call gets a new one. */
  renew(): void;
}

/**
 * Puts a token of `credentials` on each call. It is asked for once, by the first call, and again where etcd doesn't take
 * it any more: tokens run out, and are lost with the member that gave them. The password goes into that call alone.
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

/** Whoever waits for a token shares the call that gets it: that one isn't bound by any of theirs. */
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
