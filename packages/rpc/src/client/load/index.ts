export { LoadReports } from './load-reports.js';
export type { LoadWeight } from './load-weight.js';
