import type { DatabaseError as ServerError } from 'pg';

/** The text of PgBouncer about a setting that a connection may not begin with. */
const SETTING = /^unsupported startup parameter(?: in options)?: (?<name>\w+)/;
/** No prepared statement of this name, and one already: another session's connection to the server was used. */
const STATEMENT = /^(26000|42P05)$/;
const REMEDY = 'give the address of PostgreSQL itself';

/** Why a pooler between the service and PostgreSQL doesn't work, and what to do; undefined for any other error. */
export function explainPooler({ code = '', message }: ServerError): string | undefined {
  const { name } = SETTING.exec(message)?.groups ?? {};
  if (name !== undefined)
    return `a pooler refuses ${name}: ${REMEDY}, or list it in ignore_startup_parameters and set it for the role`;
  return STATEMENT.test(code)
    ? `a pooler loses prepared statements (${message}): ${REMEDY}, or set max_prepared_statements, which PgBouncer has from 1.21 on`
    : undefined;
}
