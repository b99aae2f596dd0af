import { type Config, url, variable } from '@rondo/service';

/** The variables that this service has beside the shared ones. */
export const variables = {
  databaseUrl: variable('DATABASE_URL', url({ protocols: ['postgres:', 'postgresql:'] }), {
    example: 'postgres://projects:secret@127.0.0.1:5432/projects',
    secret: true,
    description: 'The PostgreSQL database of the service: its own, which it brings up to date by itself.',
  }),
};

/** Their values. */
export type ProjectsConfig = Config<typeof variables>;
