import { REQUEST_LIMITS } from '../domain/limits.js';

/** The token of the page after the instance `lastId`: opaque to callers, so that its content may change. */
export function pageTokenAfter(lastId: string): string {
  return Buffer.from(lastId).toString('base64url');
}

/** Whether {@link pageTokenAfter} could have made `token`, or it is the empty one of the first page. */
export function isPageToken(token: string): boolean {
  return token.length <= 2 * REQUEST_LIMITS.instanceIdLength && pageTokenAfter(readPageToken(token)) === token;
}

/** The instance id in a token; empty for the first page. */
export function readPageToken(token: string): string {
  return Buffer.from(token, 'base64url').toString();
}
