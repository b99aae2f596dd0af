import { createHash } from 'node:crypto';

/** Keeps these ids apart from any that others make of the same names: a UUID made once, at random. */
const NAMESPACE = Buffer.from('5dfc333641eb44f1b78e679a93a20527', 'hex');

/** The same UUID for the same name, always: version 5 of RFC 9562, section 5.5. */
export function nameBasedUuid(name: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(name, 'utf8').digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
