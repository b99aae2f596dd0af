import { type AuditConfig, auditVariables, type Config, url, variable } from '@rondo/service';

/** The environment variables of this service, in addition to the shared ones. */
export const variables = {
  databaseUrl: variable('DATABASE_URL', url({ protocols: ['postgres:', 'postgresql:'] }), {
    example: 'postgres://sales:secret@127.0.0.1:5432/sales',
    secret: true,
    description: "The service's own PostgreSQL database. The service applies its migrations when it starts.",
  }),
  ...auditVariables,
};

/** The values of these variables. */
export type SalesConfig = Pick<Config<typeof variables>, 'databaseUrl'> & AuditConfig;
