import { createStatusMapping } from '@rondo/resources';

/** The statuses of this service's errors. */
export const errors = createStatusMapping('project-management');
