/**
 * The formats and patterns of strings, which only the generated contracts import that have such rules.
 *
 * ```ts
 * isEmail('ada@example.com'); // true
 * ```
 */
export {
  isAddress,
  isEmail,
  isHeaderName,
  isHeaderValue,
  isHostAndPort,
  isHostname,
  isIp,
  isIpPrefix,
  isIpv4,
  isIpv4Prefix,
  isIpv4WithPrefixlen,
  isIpv6,
  isIpv6Prefix,
  isIpv6WithPrefixlen,
  isIpWithPrefixlen,
  isProtobufDotFqn,
  isProtobufFqn,
  isTuuid,
  isUlid,
  isUuid,
} from '../formats.js';
export { type Instruction, Pattern, type Program } from '../pattern.js';
export { isUri, isUriRef } from '../uri.js';
