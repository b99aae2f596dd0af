import { createHash } from 'node:crypto';

/** A UUID that follows from a name (RFC 9562, version 8). */
export function requestId(name) {
  const hash = createHash('sha256').update(`rondo seed ${name}`).digest('hex');
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}
