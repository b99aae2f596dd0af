import { isIPv6, type Socket } from 'node:net';

/** The address of a connection's other end; empty if it has closed already. An IPv4 address is never mapped to IPv6. */
export function remoteOf({ remoteAddress = '' }: Pick<Socket, 'remoteAddress'>): string {
  return unmapped(remoteAddress);
}

const unmapped = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '');

/**
 * What counts as one client: an IPv4 address, or the network of 64 bits of an IPv6 address. A network of that size is
 * what one subscriber gets.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const bare = unmapped(address);
  if (bare !== address) return bare;
  const [head = '', tail] = address.split('%', 1).join('').split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  const groups = [...front, ...Array<string>(Math.max(0, zeros)).fill('0'), ...back];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
