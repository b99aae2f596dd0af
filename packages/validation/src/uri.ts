import { isIpv6 } from './addresses.js';

/** RFC 3986, appendix A. Each character has one way to be read, so that no text takes more than linear time. */
const UNRESERVED = 'A-Za-z0-9\\-._~';
const SUB_DELIMS = "!$&'()*+,;=";
const PERCENT = '%[0-9A-Fa-f]{2}';
const PCHAR = `(?:[${UNRESERVED}${SUB_DELIMS}:@]|${PERCENT})`;
const SCHEME = '([A-Za-z][A-Za-z0-9+\\-.]*):';
const HIERARCHY = '(?://([^/?#]*)(?![^/?#]))?';
const PATH = `((?:/|${PCHAR})*)`;
const END = `(?:\\?(?:[/?]|${PCHAR})*)?(?:#(?:[/?]|${PCHAR})*)?$`;

const URI = new RegExp(`^${SCHEME}${HIERARCHY}${PATH}${END}`);
const BEFORE_QUERY = new RegExp(`^${SCHEME}${HIERARCHY}${PATH}(?=[?#])`);
const QUERY = new RegExp(`^\\?(?:[/?]|${PCHAR})*`);
const RELATIVE = new RegExp(`^()${HIERARCHY}${PATH}${END}`);
const USER = new RegExp(`^(?:[${UNRESERVED}${SUB_DELIMS}:]|${PERCENT})*$`);
const NAME = new RegExp(`^(?:[${UNRESERVED}${SUB_DELIMS}]|${PERCENT})*$`);
const FUTURE = new RegExp(`^v[0-9A-Fa-f]+\\.[${UNRESERVED}${SUB_DELIMS}:]+$`);
const ZONE = new RegExp(`^(?:[${UNRESERVED}]|${PERCENT})+$`);
const HOST_AND_PORT = /^(\[[^\]]*\]|[^:[\]]*)(?::[0-9]*)?$/;

/** Whether the text is a URI. */
export function isUri(text: string): boolean {
  const [found, , authority, path = ''] = URI.exec(text) ?? [];
  return found !== undefined && fits(authority, path);
}

/**
 * Whether the text is a URI or a relative reference, such as `../a?b`. As in protovalidate in each language, if a
 * URI is wrong after its `?` or `#`, that rest may count as a relative reference by itself.
 */
export function isUriRef(text: string): boolean {
  if (isUri(text) || isRelative(text)) return true;
  const [start, , authority, path = ''] = BEFORE_QUERY.exec(text) ?? [];
  if (start === undefined || !fits(authority, path)) return false;
  const query = text[start.length] === '?' ? (QUERY.exec(text.slice(start.length))?.[0] ?? '') : '';
  const end = start.length + query.length;
  const isQueryWhole = end === text.length || text[end] === '#';
  return isRelative(isQueryWhole ? text.slice(end + 1) : text.slice(start.length + 1));
}

function isRelative(text: string): boolean {
  const [found, , authority, path = ''] = RELATIVE.exec(text) ?? [];
  if (found === undefined || !fits(authority, path)) return false;
  // The first segment of a relative path has no colon: it would be a scheme.
  return authority !== undefined || path.startsWith('/') || !(path.split('/', 1)[0] ?? '').includes(':');
}

function fits(authority: string | undefined, path: string): boolean {
  if (authority === undefined) return !path.startsWith('//');
  return isAuthority(authority) && (path === '' || path.startsWith('/'));
}

function isAuthority(text: string): boolean {
  const at = text.indexOf('@');
  if (at >= 0 && !USER.test(text.slice(0, at))) return false;
  const [found, host = ''] = HOST_AND_PORT.exec(text.slice(at + 1)) ?? [];
  if (found === undefined) return false;
  return host.startsWith('[') ? isLiteral(host.slice(1, -1)) : NAME.test(host) && isPercentEncodedText(host);
}

/** RFC 6874 has the zone of an address behind `%25`. */
function isLiteral(host: string): boolean {
  const zone = host.indexOf('%25');
  if (zone < 0) return (!host.includes('%') && isIpv6(host)) || FUTURE.test(host);
  return isIpv6(host.slice(0, zone)) && ZONE.test(host.slice(zone + 3)) && isPercentEncodedText(host);
}

function isPercentEncodedText(host: string): boolean {
  if (!host.includes('%')) return true;
  try {
    decodeURIComponent(host);
    return true;
  } catch {
    return false;
  }
}
