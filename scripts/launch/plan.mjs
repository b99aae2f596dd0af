/** Which processes make up the system, and where each listens. */

/**
 * @typedef {object} Planned
 * @property {string} name The instance's id, and its log file's name.
 * @property {string} service The folder under services/.
 * @property {number} port 0 for any that is free.
 * @property {string} [database] The database it owns.
 */

/** The database's port, counted from the base. */
export const DATABASE_OFFSET = 9;

/**
 * @param {number} portBase
 * @returns {Planned[]} in the order in which they start.
 */
export function plan(portBase) {
  return [
    { name: 'registry', service: 'registry', port: portBase },
    { name: 'calculator-1', service: 'calculator', port: portBase + 1 },
    { name: 'calculator-2', service: 'calculator', port: 0 },
    { name: 'calculator-3', service: 'calculator', port: 0 },
    { name: 'project-management-1', service: 'project-management', port: portBase + 2, database: 'project_management' },
    { name: 'sales-1', service: 'sales', port: portBase + 3, database: 'sales' },
  ];
}
