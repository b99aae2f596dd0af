import { isIPv4 } from 'node:net';
import { isHostAndPort, isHostname, isIp, isIpv6, isPrefixed } from './addresses.js';
import { isUri, isUriRef } from './uri.js';

const EMAIL =
  /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;
const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const TRIMMED_UUID = /^[0-9a-fA-F]{32}$/;
const ULID = /^[0-7][0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{25}$/;
const NAME = /^[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_][A-Za-z_0-9]*)*$/;

/** The formats of `string` rules, each as its contract in `buf.validate` describes it. Those that backtrack get short texts only. */
const FORMATS = {
  /** The HTML standard's e-mail address, at a host whose labels are of 1 to 63 letters, digits and hyphens. */
  email: (text: string) => EMAIL.test(text),
  uuid: (text: string) => UUID.test(text),
  tuuid: (text: string) => TRIMMED_UUID.test(text),
  ulid: (text: string) => ULID.test(text),
  protobufFqn: (text: string) => NAME.test(text),
  protobufDotFqn: (text: string) => text.startsWith('.') && NAME.test(text.slice(1)),
  hostname: isHostname,
  address: (text: string) => isHostname(text) || isIp(text),
  hostAndPort: isHostAndPort,
  ip: isIp,
  ipv4: isIPv4,
  ipv6: isIpv6,
  ipWithPrefixlen: (text: string) => isPrefixed(text, 4, false) || isPrefixed(text, 6, false),
  ipv4WithPrefixlen: (text: string) => isPrefixed(text, 4, false),
  ipv6WithPrefixlen: (text: string) => isPrefixed(text, 6, false),
  ipPrefix: (text: string) => isPrefixed(text, 4, true) || isPrefixed(text, 6, true),
  ipv4Prefix: (text: string) => isPrefixed(text, 4, true),
  ipv6Prefix: (text: string) => isPrefixed(text, 6, true),
  uri: isUri,
  uriRef: isUriRef,
};

/** Whether the text has the format, such as `'email'`. */
export const isFormat = (format: keyof typeof FORMATS, text: string): boolean => FORMATS[format](text);
