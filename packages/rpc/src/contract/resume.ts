import type { Resume as ResumeOption } from '@rondo/contracts/rondo/options/v1/options';
import type { MethodDefinition } from './definition.js';
import { nameInCode } from './name-in-code.js';

/** Where the token stands with which a broken stream goes on: the names, in code, of two fields. */
export interface Resume {
  /** Of the request. */
  readonly request: string;
  /** Of each reply. */
  readonly response: string;
}

/** Reads what a contract says of it; undefined where it says nothing. */
export function resumeOf(option: ResumeOption | undefined): Resume | undefined {
  return option && { request: nameInCode(option.request), response: nameInCode(option.response) };
}

/** What is wrong with that, as it stands behind its name; undefined where nothing is. */
export function checkResume(
  { request, response }: Resume,
  { requestStream, responseStream, options }: MethodDefinition,
): string | undefined {
  if (requestStream || !responseStream) return 'goes with one request and a stream of replies alone';
  if (options.idempotencyLevel !== 'NO_SIDE_EFFECTS')
    return 'needs idempotency_level = NO_SIDE_EFFECTS: it calls again';
  return request === '' || response === '' ? 'has to name a field of the request and one of the reply' : undefined;
}
