/** What stands before the hosts of a URL, the hosts, and the rest. */
const HOSTS = /^([a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?)([^/?#@]*)(.*)$/is;

/**
 * A URL for each host of one that may have several, as libpq has it: `postgres://role@a:5432,b:5433/sales`. Nothing else is checked.
 *
 * Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS
 */
export function hostUrls(url: string): readonly [string, ...string[]] {
  const [, before = '', hosts = '', rest = ''] = HOSTS.exec(url) ?? [];
  const [first = '', ...others] = hosts.split(',').map((host) => before + host + rest);
  return [before === '' ? url : first, ...others];
}
