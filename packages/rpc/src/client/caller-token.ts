import { readFileSync } from 'node:fs';
import type { ClientCall } from '../call/client-call.js';
import type { Middleware } from '../middleware/middleware.js';

const NAME = 'RONDO_TOKEN';
/** A token is sent in a header. */
const TOKEN = /^[\x21-\x7e]{1,8192}$/;

/**
 * The token or API key of a person or program that calls by itself, such as a script: that of `RONDO_TOKEN`, or of the file that
 * `RONDO_TOKEN_FILE` names. Undefined if neither is set.
 *
 * @throws TypeError if it can't be read or sent. Its text never has the token.
 */
export function configuredToken(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const text = environment[NAME]?.trim() ?? '';
  const file = environment[`${NAME}_FILE`]?.trim() ?? '';
  if (text === '' && file === '') return undefined;
  if (text !== '' && file !== '') throw new TypeError(`${NAME} and ${NAME}_FILE are both set: give one of them`);
  const token = text === '' ? contentOf(file) : text;
  if (TOKEN.test(token)) return token;
  throw new TypeError(`${NAME} must be 1 to 8192 characters of ASCII without spaces, as rondo token prints it`);
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TypeError(`${NAME}_FILE=${file} can't be read: ${reason}`, { cause });
  }
}

/** Middleware that sends a token with each call that has no credentials of its own. None without a token. */
export function sendToken(token: string | undefined): readonly Middleware<ClientCall>[] {
  if (token === undefined) return [];
  const value = `Bearer ${token}`;
  const middleware: Middleware<ClientCall> = (call, next) => {
    const { metadata } = call;
    if (!metadata.has('authorization') && !metadata.has('x-api-key')) metadata.set('authorization', value);
    return next(call);
  };
  return [middleware];
}
