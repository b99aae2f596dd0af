import type { DatabaseError as ServerError } from 'pg';

/** Codes of OpenSSL for a certificate whose authority isn't trusted. */
const UNTRUSTED =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER|VERIFY_LEAF)\w*|CERT_UNTRUSTED)$/;
const NOT_VALID_NOW = /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/;
/** The last words of OpenSSL's text about an alert that the server has sent. */
const ALERT = /alert (?<alert>[a-z ]+)/;
/** The driver's text if the server answers that it has no TLS. */
const WITHOUT_TLS = 'The server does not support SSL connections';

/** Why a TLS connection to PostgreSQL failed, and what to do; undefined for any other error. */
export function explainTls(error: Error): string | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `its certificate is for another host (${error.message}): name a host of the certificate in the URL`;
  }
  if (UNTRUSTED.test(code)) {
    return `its certificate can't be verified (${error.message}): sslrootcert must name the file of the authority that issued it`;
  }
  if (NOT_VALID_NOW.test(code))
    return `its certificate can't be used now (${error.message}): renew it, or set the clock`;
  if (/^ERR_SSL_\w+/.test(code)) {
    const why = ALERT.exec(error.message)?.groups?.['alert']?.trim() ?? code;
    return `the TLS handshake failed (${why}): sslcert and sslkey must name a certificate that the server accepts`;
  }
  return error.message === WITHOUT_TLS ? 'it has no TLS: set ssl = on there, or leave out sslmode' : undefined;
}

/** The text of PgBouncer about a setting that a connection may not begin with. */
const REFUSED_SETTING = /^unsupported startup parameter(?: in options)?: (?<name>\w+)/;
/** No prepared statement of this name, and one already: another session's connection to the server was used. */
const LOST_STATEMENT = /^(26000|42P05)$/;
const REMEDY = 'give the address of PostgreSQL itself';

/** Why a pooler between the service and PostgreSQL doesn't work, and what to do; undefined for any other error. */
export function explainPooler({ code = '', message }: ServerError): string | undefined {
  const { name } = REFUSED_SETTING.exec(message)?.groups ?? {};
  if (name !== undefined)
    return `a pooler refuses ${name}: ${REMEDY}, or list it in ignore_startup_parameters and set it for the role`;
  return LOST_STATEMENT.test(code)
    ? `a pooler loses prepared statements (${message}): ${REMEDY}, or set max_prepared_statements, which PgBouncer has from 1.21 on`
    : undefined;
}
