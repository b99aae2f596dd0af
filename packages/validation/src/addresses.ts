/** Hosts and addresses as `buf.validate` describes them. */
import { isIPv4 } from 'node:net';

const LABEL = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;
const DIGITS = /^[0-9]+$/;
const PREFIX_LENGTH = /^(?:0|[1-9][0-9]{0,2})$/;
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;

/** RFC 1034: labels of letters, digits and hyphens, of which the last isn't a number; a dot may follow. */
export function isHostname(text: string): boolean {
  if (text.length > 253) return false;
  const labels = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  return labels.every((label) => LABEL.test(label)) && !DIGITS.test(labels.at(-1) ?? '');
}

/** RFC 4291, with a zone of RFC 4007, which may have any characters. */
export function isIpv6(text: string): boolean {
  const zone = text.indexOf('%');
  if (zone < 0) return groupsOfIpv6(text) !== undefined;
  return zone < text.length - 1 && groupsOfIpv6(withoutColon(text.slice(0, zone))) !== undefined;
}

/** A colon before a zone, or before the length of a prefix, is allowed by protovalidate in each of its languages. */
const withoutColon = (text: string) => text.replace(/([^:]):$/, '$1');

/** The sixteen bits of each group of an IPv6 address without a zone, at most eight before and after the gap; undefined if it is none. */
function groupsOfIpv6(
  text: string,
): { readonly head: readonly bigint[]; readonly tail: readonly bigint[] } | undefined {
  // An address is shorter; DOTTED takes long for a long row of digits.
  if (text.length > 253) return undefined;
  const gap = text.indexOf('::');
  const [head, tail] = gap < 0 ? ['', text] : [text.slice(0, gap), text.slice(gap + 2)];
  const dotted = DOTTED.exec(tail)?.[0];
  if (dotted !== undefined && !isIPv4(dotted)) return undefined;
  const embedded = dotted === undefined ? [] : [bitsOfIpv4(dotted) >> 16n, bitsOfIpv4(dotted) & 0xffffn];
  const hex = dotted === undefined ? tail : withoutColon(tail.slice(0, -dotted.length));
  if (dotted !== undefined && /[^:]$/.test(tail.slice(0, -dotted.length))) return undefined;
  if (!HEX_GROUPS.test(head) || !HEX_GROUPS.test(hex)) return undefined;
  const [before, after] = [groupsOf(head), groupsOf(hex)];
  const count = before.length + after.length;
  // Of an address with a gap and dots, protovalidate counts no groups, in any of its languages.
  const fits = gap < 0 ? count + embedded.length === 8 : count < 8 || dotted !== undefined;
  return fits ? { head: before, tail: [...after, ...embedded] } : undefined;
}

const DOTTED = /[0-9]+(?:\.[0-9]+)+$/;
const HEX_GROUPS = /^(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4})*)?$/;
const groupsOf = (text: string) => (text === '' ? [] : text.split(':').map((group) => BigInt(`0x${group}`)));
const bitsOfIpv4 = (text: string) => text.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);

export const isIp = (text: string): boolean => isIPv4(text) || isIpv6(text);

/** An address with the length of its prefix, such as `192.168.0.1/16`. If `strict`, all bits behind the prefix are zero. */
export function isPrefixed(text: string, version: 4 | 6, strict: boolean): boolean {
  const slash = text.indexOf('/');
  const [address, length] = [text.slice(0, slash), text.slice(slash + 1)];
  const width = version === 4 ? 32 : 128;
  if (slash < 0 || !PREFIX_LENGTH.test(length) || Number(length) > width) return false;
  const bits = version === 4 ? (isIPv4(address) ? bitsOfIpv4(address) : undefined) : bitsOfIpv6(address);
  return bits !== undefined && (!strict || bits % (1n << BigInt(width - Number(length))) === 0n);
}

function bitsOfIpv6(text: string): bigint | undefined {
  const groups = groupsOfIpv6(withoutColon(text));
  if (groups === undefined) return undefined;
  const zeros = Array.from({ length: Math.max(0, 8 - groups.head.length - groups.tail.length) }, () => 0n);
  return [...groups.head, ...zeros, ...groups.tail].reduce((bits, group) => (bits << 16n) | group, 0n);
}

/** A host with its port: `example.com:80`, `127.0.0.1:80` or `[::1]:80`. */
export function isHostAndPort(text: string): boolean {
  const colon = text.lastIndexOf(':');
  const [host, port] = [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 0 || !PORT.test(port) || Number(port) > 65_535) return false;
  if (host.startsWith('[')) return host.endsWith(']') && isIpv6(host.slice(1, -1));
  return isHostname(host) || isIPv4(host);
}
